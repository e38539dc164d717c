//! What a handshake is made by: whom to trust, what to show, which versions.

use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

use crate::config::TlsVersion;

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
    pub(super) fn checks_revocation(&self) -> bool {
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
