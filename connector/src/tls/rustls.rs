//! The rustls backend.

use std::sync::Arc;

use ::rustls::client::Resumption;
use ::rustls::crypto::CryptoProvider;
use ::rustls::pki_types::ServerName;
use ::rustls::version::{TLS12, TLS13};
use ::rustls::{ClientConfig, SupportedProtocolVersion};
use tokio_rustls::TlsConnector;

use super::cache::Cache;
use super::handshake::{ALPN, Handshake, Secured};
use super::terms::{Terms, Trust};
use super::verify::{Store, Verifier};
use crate::closing::close;
use crate::config::{Settings, TlsVersion};
use crate::dial::Transport;
use crate::error::{Cause, Fault};

/// The provider that the features name.
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub(super) fn default_provider() -> CryptoProvider {
    #[cfg(feature = "aws-lc-rs")]
    return ::rustls::crypto::aws_lc_rs::default_provider();
    #[cfg(not(feature = "aws-lc-rs"))]
    return ::rustls::crypto::ring::default_provider();
}

#[derive(Clone)]
pub(super) struct Rustls {
    provider: Arc<CryptoProvider>,
    cache: Cache<Arc<ClientConfig>>,
}

impl Rustls {
    pub(super) fn new(provider: Arc<CryptoProvider>) -> Rustls {
        Rustls { provider, cache: Cache::new() }
    }

    fn configure(&self, terms: &Terms) -> Result<ClientConfig, Cause> {
        let algorithms = self.provider.signature_verification_algorithms;
        let verifier = match &terms.credentials.trust {
            Trust::Anything => Verifier::lenient(algorithms),
            Trust::Roots { certificates, revocation } => {
                let store = Store::of_file(certificates).map_err(|_| {
                    Fault::Configuration("one of the root certificates cannot be read".to_owned())
                })?;
                Verifier::strict(store, revocation.as_deref(), algorithms)?
            }
            Trust::System { given: Some(certificates), revocation } => {
                Verifier::strict(Store::of_system(certificates), revocation.as_deref(), algorithms)?
            }
            Trust::System { given: None, revocation } => {
                let found = rustls_native_certs::load_native_certs();
                for error in &found.errors {
                    tracing::warn!(%error, "a part of the system's certificate store cannot be read");
                }
                Verifier::strict(Store::of_system(&found.certs), revocation.as_deref(), algorithms)?
            }
        };
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&versions(terms.min_version, terms.max_version))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match &terms.credentials.identity {
            Some((chain, key)) => builder.with_client_auth_cert(chain.clone(), key.clone_key())?,
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![ALPN.as_bytes().to_vec()];
        config.enable_sni = terms.sni;
        // Every connection is verified anew.
        config.resumption = Resumption::disabled();
        Ok(config)
    }
}

impl Handshake for Rustls {
    type Ready = Arc<ClientConfig>;

    fn checks_files(&self, _: &Settings) -> bool {
        false
    }

    fn check(&self, settings: &Settings) -> Result<(), String> {
        match versions(settings.min_version, settings.max_version).is_empty() {
            true => Err("rustls speaks TLS 1.2 and 1.3, and the settings allow neither".to_owned()),
            false => Ok(()),
        }
    }

    fn prepare(&self, terms: Terms) -> Result<Arc<ClientConfig>, Cause> {
        self.cache.get_or_make(terms, |terms| self.configure(terms).map(Arc::new))
    }

    async fn handshake(
        config: Arc<ClientConfig>,
        sni: Option<String>,
        transport: Box<dyn Transport>,
    ) -> Result<Secured, Cause> {
        // A name that rustls cannot take is sent to nobody; the check of names does not go by it.
        let name = match sni.map(ServerName::try_from) {
            Some(Ok(name)) => name,
            Some(Err(_)) | None => ServerName::IpAddress(std::net::Ipv4Addr::UNSPECIFIED.into()),
        };
        let connecting = TlsConnector::from(config).connect(name, transport).into_fallible();
        let stream = match connecting.await {
            Ok(stream) => stream,
            Err((error, transport)) => {
                close(transport).await;
                return Err(error.into());
            }
        };
        let session = stream.get_ref().1;
        let Some(certificate) = session.peer_certificates().and_then(<[_]>::first) else {
            return Err(Fault::NoPeerCertificate.into());
        };
        let (certificate, alpn) =
            (certificate.to_vec(), session.alpn_protocol().map(<[u8]>::to_vec));
        Ok(Secured { transport: Box::new(stream), certificate, alpn })
    }
}

/// The versions that rustls has within these bounds.
fn versions(
    min: Option<TlsVersion>,
    max: Option<TlsVersion>,
) -> Vec<&'static SupportedProtocolVersion> {
    [(TlsVersion::V1_3, &TLS13), (TlsVersion::V1_2, &TLS12)]
        .into_iter()
        .filter(|(version, _)| {
            min.is_none_or(|min| min <= *version) && max.is_none_or(|max| *version <= max)
        })
        .map(|(_, supported)| supported)
        .collect()
}
