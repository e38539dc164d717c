//! TLS: what a handshake is given, what it yields, and the backends that make it.
//!
//! It has two halves. What blocks (reading files, building the library's configuration) is `prepare`, for a thread of its
//! own; the handshake itself waits for nothing but the connection.

mod cache;
mod credentials;
#[cfg(feature = "native-tls")]
mod native;
#[cfg(feature = "native-tls")]
mod pkcs8;
#[cfg(feature = "native-tls")]
mod reclaim;
#[cfg(feature = "rustls")]
mod rustls;
#[cfg(feature = "rustls")]
mod trust;
#[cfg(feature = "rustls")]
mod verify;

use std::error::Error as StdError;
use std::fmt;

use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

use crate::config::{Settings, TlsVersion};
use crate::dial::Transport;

pub(crate) use credentials::load;

/// ALPN's name for the protocol; libpq sends it since 17, with every handshake.
const ALPN: &str = "postgresql";

type Cause = Box<dyn StdError + Send + Sync>;

/// Which TLS library makes the handshakes.
#[derive(Clone)]
pub struct Backend(Library);

#[derive(Clone)]
enum Library {
    #[cfg(feature = "rustls")]
    Rustls(rustls::Rustls),
    #[cfg(feature = "native-tls")]
    Native(native::Native),
}

impl Backend {
    /// rustls with the provider that the features name: `aws-lc-rs`, or else `ring`. The process's default
    /// provider is neither used nor set.
    #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    pub fn rustls() -> Backend {
        #[cfg(feature = "aws-lc-rs")]
        let provider = ::rustls::crypto::aws_lc_rs::default_provider();
        #[cfg(not(feature = "aws-lc-rs"))]
        let provider = ::rustls::crypto::ring::default_provider();
        Backend::rustls_with(std::sync::Arc::new(provider))
    }

    /// rustls with this provider.
    #[cfg(feature = "rustls")]
    pub fn rustls_with(provider: std::sync::Arc<::rustls::crypto::CryptoProvider>) -> Backend {
        Backend(Library::Rustls(rustls::Rustls::new(provider)))
    }

    /// The platform's library: OpenSSL on Linux.
    #[cfg(feature = "native-tls")]
    pub fn native_tls() -> Backend {
        Backend(Library::Native(native::Native::new()))
    }

    /// What is used when nothing is said: rustls where a provider is compiled in, else native-tls.
    pub(crate) fn by_default() -> Option<Backend> {
        #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
        return Some(Backend::rustls());
        #[cfg(all(feature = "native-tls", not(any(feature = "aws-lc-rs", feature = "ring"))))]
        return Some(Backend::native_tls());
        #[cfg(not(any(feature = "native-tls", feature = "aws-lc-rs", feature = "ring")))]
        return None;
    }

    /// Refuses settings that the library cannot honour, before anything is sent. Blocks on files.
    pub(crate) fn check(&self, settings: &Settings) -> Result<(), String> {
        match &self.0 {
            #[cfg(feature = "rustls")]
            Library::Rustls(backend) => backend.check(settings),
            #[cfg(feature = "native-tls")]
            Library::Native(backend) => backend.check(settings),
        }
    }

    /// Gets ready for a handshake in which the server name `sni` is sent. Blocks on files.
    pub(crate) fn prepare(&self, terms: Terms, sni: Option<String>) -> Result<Prepared, Cause> {
        let ready = match &self.0 {
            #[cfg(feature = "rustls")]
            Library::Rustls(backend) => Ready::Rustls(backend.prepare(terms)?),
            #[cfg(feature = "native-tls")]
            Library::Native(backend) => Ready::Native(backend.prepare(terms)?),
        };
        Ok(Prepared { ready, sni })
    }
}

/// A backend with everything that one handshake needs but the connection.
pub(crate) struct Prepared {
    ready: Ready,
    /// Sent as it is; none for an IP address, or where `sslsni` forbids it.
    sni: Option<String>,
}

enum Ready {
    #[cfg(feature = "rustls")]
    Rustls(<rustls::Rustls as Handshake>::Ready),
    #[cfg(feature = "native-tls")]
    Native(<native::Native as Handshake>::Ready),
}

impl Prepared {
    /// Makes the handshake: the chain is verified as the terms say, and names are not looked at.
    pub(crate) async fn handshake(self, transport: Box<dyn Transport>) -> Result<Secured, Cause> {
        match self.ready {
            #[cfg(feature = "rustls")]
            Ready::Rustls(ready) => rustls::Rustls::handshake(ready, self.sni, transport).await,
            #[cfg(feature = "native-tls")]
            Ready::Native(ready) => native::Native::handshake(ready, self.sni, transport).await,
        }
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            #[cfg(feature = "rustls")]
            Library::Rustls(_) => "Backend(rustls)",
            #[cfg(feature = "native-tls")]
            Library::Native(_) => "Backend(native-tls)",
        })
    }
}

/// One TLS library.
trait Handshake {
    /// Its configuration, built.
    type Ready: Clone;

    /// Refuses settings that this library cannot honour.
    fn check(&self, settings: &Settings) -> Result<(), String>;

    /// Builds the configuration, or finds the last one still good.
    fn prepare(&self, terms: Terms) -> Result<Self::Ready, Cause>;

    /// Makes the handshake.
    fn handshake(
        ready: Self::Ready,
        sni: Option<String>,
        transport: Box<dyn Transport>,
    ) -> impl Future<Output = Result<Secured, Cause>> + Send;
}

/// What a configuration is made of.
#[derive(PartialEq, Eq)]
pub(crate) struct Terms {
    /// Whether a server name is sent.
    pub(crate) sni: bool,
    pub(crate) min_version: Option<TlsVersion>,
    pub(crate) max_version: Option<TlsVersion>,
    pub(crate) credentials: Credentials,
}

/// What was read from files: whom to trust and what to show.
#[derive(PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) trust: Trust,
    pub(crate) identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
}

/// Which server certificates pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Any; only the handshake's signatures are verified.
    Anything,
    /// Those that chain to a self-signed certificate among these, and are not revoked.
    Roots { certificates: Vec<CertificateDer<'static>>, revocation: Lists },
    /// The same with the system's store: the platform's, or these certificates in its place.
    System { given: Option<Vec<CertificateDer<'static>>>, revocation: Lists },
}

#[cfg(feature = "native-tls")]
impl Trust {
    fn checks_revocation(&self) -> bool {
        match self {
            Trust::Anything => false,
            Trust::Roots { revocation, .. } | Trust::System { revocation, .. } => {
                revocation.is_some()
            }
        }
    }
}

/// The revocation lists; none where revocation is not checked, and an empty list under which nothing passes.
pub(crate) type Lists = Option<Vec<CertificateRevocationListDer<'static>>>;

/// A completed handshake.
pub(crate) struct Secured {
    pub(crate) transport: Box<dyn Transport>,
    /// The server's own certificate, DER.
    pub(crate) certificate: Vec<u8>,
    pub(crate) alpn: Option<Vec<u8>>,
}

impl Secured {
    /// Whether the server chose the protocol by its name.
    pub(crate) fn is_postgresql(&self) -> bool {
        self.alpn.as_deref() == Some(ALPN.as_bytes())
    }
}

#[cfg(all(test, feature = "aws-lc-rs"))]
mod tests;
