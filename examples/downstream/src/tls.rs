//! SSLRequest, and a handshake with a server that is made sure of.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{Error, Transport};

/// SSLRequest.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// Goes over to TLS.
pub(crate) async fn secure<S: Transport>(
    mut stream: S,
    host: &str,
    root: &Path,
) -> Result<TlsStream<S>, Error> {
    stream.write_all(&SSL_REQUEST).await?;
    // One byte and no more: what follows it in clear must not become a part of the session.
    match stream.read_u8().await? {
        b'S' => {}
        _ => return Err("the server does not speak TLS, and it has to".into()),
    }
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(root)? {
        roots.add(certificate?)?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    let host = ServerName::try_from(host.to_owned())?;
    Ok(TlsConnector::from(Arc::new(config)).connect(host, stream).await?)
}
