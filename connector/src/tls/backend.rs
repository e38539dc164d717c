//! The choice of a TLS library.

use std::fmt;

use super::handshake::{Handshake, Secured};
#[cfg(feature = "native-tls")]
use super::native;
#[cfg(feature = "rustls")]
use super::rustls;
use super::terms::Terms;
use crate::config::Settings;
use crate::dial::Transport;
use crate::error::Cause;

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
        Backend::rustls_with(std::sync::Arc::new(rustls::default_provider()))
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

    /// Whether the check blocks on files.
    pub(crate) fn checks_files(&self, settings: &Settings) -> bool {
        match &self.0 {
            #[cfg(feature = "rustls")]
            Library::Rustls(backend) => backend.checks_files(settings),
            #[cfg(feature = "native-tls")]
            Library::Native(backend) => backend.checks_files(settings),
        }
    }

    /// Refuses settings that the library cannot honour, before anything is sent. May block on files.
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
