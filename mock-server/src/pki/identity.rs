//! What a server shows and proves in a handshake.

use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::binding::server_end_point;

/// A server's certificate with what it sends behind it, and its key.
///
/// Its `Debug` does not show the key.
#[derive(Debug)]
pub struct Identity {
    leaf: CertificateDer<'static>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    server_end_point: Option<Vec<u8>>,
}

impl Identity {
    /// The identity of this leaf and key, with what is sent behind the leaf.
    pub(super) fn new(
        leaf: CertificateDer<'static>,
        issuers: impl IntoIterator<Item = CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Self {
        let server_end_point = server_end_point(&leaf);
        let chain = std::iter::once(leaf.clone()).chain(issuers).collect();
        Self { leaf, chain, key, server_end_point }
    }

    /// The same, with one more certificate at the end of the chain.
    pub(super) fn followed_by(&self, root: CertificateDer<'static>) -> Self {
        let issuers = self.chain.iter().skip(1).cloned().chain([root]);
        Self::new(self.leaf.clone(), issuers, self.key.clone_key())
    }

    /// The certificate that names the server.
    #[must_use]
    pub fn leaf(&self) -> &CertificateDer<'static> {
        &self.leaf
    }

    /// The leaf, then what the server sends behind it.
    #[must_use]
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// The leaf's key.
    #[must_use]
    pub fn key(&self) -> &PrivateKeyDer<'static> {
        &self.key
    }

    /// The channel binding `tls-server-end-point` (RFC 5929, section 4.1); `None` where the
    /// leaf's signature names no hash.
    #[must_use]
    pub fn server_end_point(&self) -> Option<&[u8]> {
        self.server_end_point.as_deref()
    }
}
