//! All of a server's axes together.

use serde::{Deserialize, Serialize};

use super::tls::{Certificate, Key, TlsVersions};
use crate::script::named::{Access, Auth, Reply};

/// A value for every server axis.
///
/// ```
/// use pgtls_mock_server::axes::{Reply, ServerAxes};
///
/// let axes = ServerAxes { reply: Reply::Refuse, ..ServerAxes::default() };
/// assert_eq!(axes.certificate.name(), "valid");
/// ```
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ServerAxes {
    /// The answer to an SSLRequest.
    pub reply: Reply,
    /// The certificate shown.
    pub certificate: Certificate,
    /// The keys of the chain.
    pub key: Key,
    /// The pg_hba rule.
    pub access: Access,
    /// The proof asked for.
    pub auth: Auth,
    /// The TLS versions spoken.
    pub tls: TlsVersions,
}
