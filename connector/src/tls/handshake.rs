//! What every TLS library is asked for, and what it yields.

use super::terms::Terms;
use crate::config::Settings;
use crate::dial::Transport;
use crate::error::Cause;

/// ALPN's name for the protocol; libpq sends it since 17, with every handshake.
pub(super) const ALPN: &str = "postgresql";

/// One TLS library.
pub(super) trait Handshake {
    /// Its configuration, built.
    type Ready: Clone;

    /// Whether the check has to look at files.
    fn checks_files(&self, settings: &Settings) -> bool;

    /// Refuses settings that this library cannot honour.
    fn check(&self, settings: &Settings) -> Result<(), String>;

    /// Builds the configuration, or finds one that is still good.
    fn prepare(&self, terms: Terms) -> Result<Self::Ready, Cause>;

    /// Makes the handshake.
    fn handshake(
        ready: Self::Ready,
        sni: Option<String>,
        transport: Box<dyn Transport>,
    ) -> impl Future<Output = Result<Secured, Cause>> + Send;
}

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
