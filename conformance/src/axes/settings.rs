//! A value for every axis.

use pgtls_mock_server::axes::ServerAxes;

use super::{
    client::{ChannelBinding, ClientCert, Sslmode, Sslnegotiation, Sslrootcert, Then},
    host::Host,
};

/// A value for every axis.
///
/// ```
/// use pgtls_conformance::axes::Axes;
///
/// let axes: Axes = "certificate=expired,sslmode=verify-full".parse()?;
/// assert_eq!(axes.server.reply.name(), "accept");
/// assert_eq!(axes.to_string(), "certificate=expired,sslmode=verify-full");
/// # Ok::<(), pgtls_conformance::Error>(())
/// ```
#[derive(Debug, Default, Clone, PartialEq, Eq, Hash)]
pub struct Axes {
    /// How the server behaves.
    pub server: ServerAxes,
    /// The mode.
    pub sslmode: Sslmode,
    /// Who speaks first of TLS.
    pub sslnegotiation: Sslnegotiation,
    /// What the client trusts.
    pub sslrootcert: Sslrootcert,
    /// The name connected to.
    pub host: Host,
    /// Channel binding.
    pub channel_binding: ChannelBinding,
    /// The client's certificate.
    pub client_cert: ClientCert,
    /// What follows the query.
    pub then: Then,
}

impl Axes {
    /// The mode that counts where none was given: libpq's default, which `sslrootcert=system`
    /// makes `verify-full` (libpq 16 and later, "SSL Support", section "Client Verification of
    /// Server Certificates").
    #[must_use]
    pub fn effective_sslmode(&self) -> Sslmode {
        match (self.sslmode, self.sslrootcert) {
            (Sslmode::Unset, Sslrootcert::System | Sslrootcert::SystemEmpty) => Sslmode::VerifyFull,
            (Sslmode::Unset, _) => Sslmode::Prefer,
            (mode, _) => mode,
        }
    }
}
