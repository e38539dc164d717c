//! The `ClientConfig` that an application would build, as in the built-in stack.

use std::{error::Error, sync::Arc};

use pgtls_shim::{Request, locked};
use rustls::{ClientConfig, RootCertStore, client::WebPkiServerVerifier, crypto::aws_lc_rs};
use rustls_pki_types::{
    CertificateDer, CertificateRevocationListDer, PrivateKeyDer, pem::PemObject as _,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::driver::Tls;

type Connector = fn(&Request) -> Result<MakeRustlsConnect, Box<dyn Error>>;

pub(crate) fn library(lock: &str) -> Tls<Connector> {
    let version = |package: &str| format!("{package} {}", locked(lock, package));
    Tls {
        name: format!("{}, {}", version("tokio-postgres-rustls"), version("rustls")),
        sslcrl: true,
        connector,
    }
}

/// With the root file or else the platform's store, and what rustls takes besides.
fn connector(request: &Request) -> Result<MakeRustlsConnect, Box<dyn Error>> {
    let mut roots = RootCertStore::empty();
    match request.sslrootcert.as_deref() {
        None => {
            for certificate in rustls_native_certs::load_native_certs().certs {
                roots.add(certificate)?;
            }
        }
        Some(path) => {
            for certificate in CertificateDer::pem_file_iter(path)? {
                roots.add(certificate?)?;
            }
        }
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    let builder = match &request.sslcrl {
        None => builder.with_root_certificates(roots),
        Some(path) => {
            let lists = CertificateRevocationListDer::pem_file_iter(path)?
                .collect::<Result<Vec<_>, _>>()?;
            let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
                .with_crls(lists)
                .build()?;
            builder.with_webpki_verifier(verifier)
        }
    };
    let mut config = match (&request.sslcert, &request.sslkey) {
        (Some(certificate), Some(key)) => {
            let chain =
                CertificateDer::pem_file_iter(certificate)?.collect::<Result<Vec<_>, _>>()?;
            builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_file(key)?)?
        }
        _ => builder.with_no_client_auth(),
    };
    if request.sslnegotiation.as_deref() == Some("direct") {
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(MakeRustlsConnect::new(config))
}
