//! The native-tls backend: OpenSSL on Linux, which is what libpq verifies with.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use native_tls::{Certificate, Identity, Protocol, TlsConnector};
use tokio::net::TcpStream;

use super::cache::Cache;
use super::{ALPN, Cause, Handshake, Secured, Terms, Trust, pkcs8};
use crate::config::{Settings, TlsVersion};
use crate::error::Fault;
use crate::socket::Spare;

#[derive(Clone)]
pub(super) struct Native {
    cache: Cache<TlsConnector>,
}

impl Native {
    pub(super) fn new() -> Native {
        Native { cache: Cache::new() }
    }

    fn configure(terms: &Terms) -> Result<TlsConnector, Cause> {
        let mut builder = TlsConnector::builder();
        builder
            // libpq's own rules are applied after the handshake.
            .danger_accept_invalid_hostnames(true)
            .use_sni(terms.sni)
            .request_alpns(&[ALPN])
            .min_protocol_version(terms.min_version.map(protocol))
            .max_protocol_version(terms.max_version.map(protocol));
        match &terms.credentials.trust {
            Trust::Anything => {
                builder.danger_accept_invalid_certs(true).disable_built_in_roots(true);
            }
            Trust::Roots { certificates, .. } => {
                // OpenSSL itself tells the self-signed from the others.
                builder.disable_built_in_roots(true);
                for certificate in certificates {
                    builder.add_root_certificate(Certificate::from_der(certificate)?);
                }
            }
            Trust::System { .. } => {}
        }
        if let Some((chain, key)) = &terms.credentials.identity {
            let chain: String =
                chain.iter().map(|certificate| pem("CERTIFICATE", certificate)).collect();
            let key = pkcs8::encode(key).ok_or_else(|| {
                Fault::Configuration("the private key does not name its curve".into())
            })?;
            let key = pem("PRIVATE KEY", &key);
            builder.identity(Identity::from_pkcs8(chain.as_bytes(), key.as_bytes())?);
        }
        Ok(builder.build()?)
    }
}

impl Handshake for Native {
    type Ready = TlsConnector;

    /// native-tls has no revocation lists, and to leave one out in silence would be weaker than libpq.
    fn check(&self, settings: &Settings) -> Result<(), String> {
        let file = settings.revocation.file.as_ref();
        let listed = file
            .is_some_and(|path| std::fs::metadata(path).is_ok_and(|metadata| metadata.len() > 0));
        match listed || settings.revocation.folder.is_some() {
            true => Err("native-tls checks no revocation lists: leave sslcrl and sslcrldir out, or use rustls".into()),
            false => Ok(()),
        }
    }

    fn prepare(&self, terms: Terms) -> Result<TlsConnector, Cause> {
        if terms.credentials.trust.checks_revocation() {
            return Err(Fault::Configuration("native-tls checks no revocation lists".into()).into());
        }
        self.cache.get_or_make(terms, Native::configure)
    }

    async fn handshake(
        connector: TlsConnector,
        sni: Option<String>,
        socket: TcpStream,
    ) -> Result<Secured, Cause> {
        let connector = tokio_native_tls::TlsConnector::from(connector);
        let spare = Spare::of(&socket)?;
        let stream = match connector.connect(&sni.unwrap_or_default(), socket).await {
            Ok(stream) => stream,
            Err(error) => {
                spare.close().await;
                return Err(error.into());
            }
        };
        let session = stream.get_ref();
        let certificate = session.peer_certificate()?.ok_or(Fault::NoPeerCertificate)?.to_der()?;
        let alpn = session.negotiated_alpn()?;
        Ok(Secured { io: Box::new(stream), certificate, alpn })
    }
}

fn protocol(version: TlsVersion) -> Protocol {
    match version {
        TlsVersion::V1_0 => Protocol::Tlsv10,
        TlsVersion::V1_1 => Protocol::Tlsv11,
        TlsVersion::V1_2 => Protocol::Tlsv12,
        TlsVersion::V1_3 => Protocol::Tlsv13,
    }
}

/// PEM, in lines of 64 characters (RFC 7468).
fn pem(label: &str, der: &[u8]) -> String {
    let lines: Vec<String> = STANDARD
        .encode(der)
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
