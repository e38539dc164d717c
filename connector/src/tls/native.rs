//! The native-tls backend: OpenSSL on Linux, which is what libpq verifies with.

use std::error::Error as StdError;
use std::fmt;

use ::pem::Pem;
use native_tls::{Certificate, Identity, Protocol, TlsConnector};

use super::cache::Cache;
use super::credentials::roots_given;
use super::handshake::{ALPN, Handshake, Secured};
use super::pkcs8;
use super::reclaim::Reclaimable;
use super::terms::{Terms, Trust};
use crate::closing::close;
use crate::config::{Revocation, RootSource, Settings, SystemStore, TlsVersion};
use crate::dial::Transport;
use crate::error::{Cause, Fault};

/// Whether the platform's library takes a root file as libpq does. OpenSSL tells the self-signed entries from the others
/// itself; Apple's makes every entry an anchor, and Windows' takes every chain of its own store in which one occurs.
const ROOT_FILES: bool = !cfg!(any(target_vendor = "apple", windows));

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
            Trust::System { given: Some(certificates), .. } => {
                builder.disable_built_in_roots(true);
                for certificate in certificates {
                    match Certificate::from_der(certificate) {
                        Ok(certificate) => {
                            builder.add_root_certificate(certificate);
                        }
                        Err(error) => {
                            tracing::debug!(%error, "a root certificate cannot be read and is left out");
                        }
                    }
                }
            }
            Trust::System { given: None, .. } => {}
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

    fn checks_files(&self, settings: &Settings) -> bool {
        let Revocation { file, folder } = &settings.revocation;
        !ROOT_FILES || file.is_some() || folder.is_some()
    }

    fn check(&self, settings: &Settings) -> Result<(), String> {
        check(settings, ROOT_FILES)
    }

    fn prepare(&self, terms: Terms) -> Result<TlsConnector, Cause> {
        // A file may have come to be since the check.
        let from_files = matches!(
            terms.credentials.trust,
            Trust::Roots { .. } | Trust::System { given: Some(_), .. }
        );
        if from_files && !ROOT_FILES {
            return Err(Fault::Configuration(NO_ROOT_FILES.into()).into());
        }
        if terms.credentials.trust.checks_revocation() {
            return Err(Fault::Configuration(NO_LISTS.into()).into());
        }
        self.cache.get_or_make(terms, Native::configure)
    }

    async fn handshake(
        connector: TlsConnector,
        sni: Option<String>,
        transport: Box<dyn Transport>,
    ) -> Result<Secured, Cause> {
        let connector = tokio_native_tls::TlsConnector::from(connector);
        let (transport, origin) = Reclaimable::new(transport);
        let stream = match connector.connect(&sni.unwrap_or_default(), transport).await {
            Ok(stream) => stream,
            Err(error) => {
                if let Some(transport) = origin.reclaim() {
                    close(transport).await;
                }
                return Err(Failed(error).into());
            }
        };
        let session = stream.get_ref();
        let certificate = session.peer_certificate()?.ok_or(Fault::NoPeerCertificate)?.to_der()?;
        let alpn = session.negotiated_alpn()?;
        Ok(Secured { transport: Box::new(stream), certificate, alpn })
    }
}

/// A handshake that failed. OpenSSL's text of it has in it what the next error below says again; so that one is left out.
#[derive(Debug)]
struct Failed(native_tls::Error);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Failed {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let told = self.0.to_string();
        let mut source = self.0.source();
        while let Some(error) = source.filter(|error| told.contains(&error.to_string())) {
            source = error.source();
        }
        source
    }
}

const NO_ROOT_FILES: &str = "the platform's library does not keep to libpq's rules for a root file: use rustls, or sslrootcert=system";

const NO_LISTS: &str =
    "native-tls checks no revocation lists: leave sslcrl and sslcrldir out, or use rustls";

/// Refuses what the library would leave out in silence, which would be weaker than libpq; where no chain is verified,
/// there is nothing to leave out.
fn check(settings: &Settings, root_files: bool) -> Result<(), String> {
    let Revocation { file, folder } = &settings.revocation;
    let nothing_to_refuse = root_files && file.is_none() && folder.is_none();
    if nothing_to_refuse || !roots_given(&settings.root) {
        return Ok(());
    }
    if settings.root != RootSource::System(SystemStore::Platform) && !root_files {
        return Err(NO_ROOT_FILES.into());
    }
    let listed = file.as_ref().is_some_and(|file| {
        std::fs::metadata(file.path()).is_ok_and(|metadata| metadata.len() > 0)
    });
    match listed || folder.is_some() {
        true => Err(NO_LISTS.into()),
        false => Ok(()),
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

/// The one form in which native-tls takes a certificate and its key.
fn pem(label: &str, der: &[u8]) -> String {
    ::pem::encode(&Pem::new(label, der))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str, root_files: bool) -> Result<(), String> {
        let config = format!("host=h {text}").parse::<crate::Config>().expect("parses");
        check(&Settings::resolve(&config).expect("resolves"), root_files)
    }

    #[test]
    fn lists_are_refused_where_a_chain_is_verified() {
        let folder = tempfile::tempdir().expect("folder");
        let (root, list) = (folder.path().join("root"), folder.path().join("crl"));
        std::fs::write(&root, "x").expect("written");
        let rooted = format!("sslrootcert={}", root.display());
        let listed = format!("sslcrl={}", list.display());
        let both = format!("{rooted} {listed}");
        assert!(checked(&both, true).is_ok(), "missing");
        std::fs::write(&list, "").expect("written");
        assert!(checked(&both, true).is_ok(), "empty");
        std::fs::write(&list, "x").expect("written");
        assert!(checked(&both, true).is_err());
        assert!(checked(&format!("{rooted} sslcrldir=/nowhere"), true).is_err());
        assert!(checked(&format!("{listed} sslrootcert=system"), true).is_err());
        for unverified in ["", "sslrootcert=/nowhere/root"] {
            assert!(checked(&format!("{listed} {unverified}"), true).is_ok(), "{unverified}");
        }
    }

    #[test]
    fn a_root_file_is_refused_where_the_platform_has_rules_of_its_own() {
        let folder = tempfile::tempdir().expect("folder");
        let root = folder.path().join("root");
        let rooted = format!("sslrootcert={}", root.display());
        assert!(checked(&rooted, false).is_ok(), "missing");
        std::fs::write(&root, "x").expect("written");
        assert!(checked(&rooted, false).is_err());
        assert!(checked(&rooted, true).is_ok());
        assert!(checked("sslrootcert=system", false).is_ok());
        assert!(checked("sslmode=require", false).is_ok());
    }
}
