//! The TLS connectors that an application would build for tokio-postgres.

use std::{error::Error, fs, sync::Arc};

use pgtls_conformance::{runner::Network, shim::Connect};
use postgres_native_tls::MakeTlsConnector;
use rustls::{ClientConfig, RootCertStore, client::WebPkiServerVerifier, crypto::aws_lc_rs};
use rustls_native_certs::CertificateResult;
use rustls_pki_types::{
    CertificateDer, CertificateRevocationListDer, PrivateKeyDer, pem::PemObject as _,
};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The TLS library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tls {
    Rustls,
    Native,
}

pub(super) type Failure = Box<dyn Error + Send + Sync>;

/// The `ClientConfig` that an application would build: the root file or else the platform's
/// store, and what rustls takes besides.
pub(super) fn rustls_connector(
    request: &Connect,
    network: &Network,
) -> Result<MakeRustlsConnect, Failure> {
    let mut roots = RootCertStore::empty();
    match request.sslrootcert.as_deref() {
        None => {
            for certificate in system_store(network).certs {
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

pub(super) fn native_connector(
    request: &Connect,
    network: &Network,
) -> Result<MakeTlsConnector, Failure> {
    let mut builder = native_tls::TlsConnector::builder();
    if let Some(store) = network.ssl_cert_file() {
        // What OpenSSL would find by SSL_CERT_FILE; the folder beside it is empty.
        builder.disable_built_in_roots(true);
        for root in CertificateDer::pem_file_iter(store)? {
            builder.add_root_certificate(native_tls::Certificate::from_der(&root?)?);
        }
    }
    if let Some(path) = &request.sslrootcert {
        builder.add_root_certificate(native_tls::Certificate::from_pem(&fs::read(path)?)?);
    }
    if let (Some(certificate), Some(key)) = (&request.sslcert, &request.sslkey) {
        builder
            .identity(native_tls::Identity::from_pkcs8(&fs::read(certificate)?, &fs::read(key)?)?);
    }
    if request.sslnegotiation.as_deref() == Some("direct") {
        postgres_native_tls::set_postgresql_alpn(&mut builder);
    }
    Ok(MakeTlsConnector::new(builder.build()?))
}

/// The platform's store, or what stands for it.
fn system_store(network: &Network) -> CertificateResult {
    match network.ssl_cert_file() {
        None => rustls_native_certs::load_native_certs(),
        Some(file) => {
            rustls_native_certs::load_certs_from_paths(Some(file), network.ssl_cert_dir())
        }
    }
}
