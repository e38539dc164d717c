//! The phases of an attempt to connect.

use std::fmt;

/// The phase at which an attempt failed, in the order in which they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Reading the settings; nothing was sent.
    Configuration,
    /// Looking up the host name.
    Resolve,
    /// Opening the socket.
    Connect,
    /// Asking for TLS with an SSLRequest and reading the answer's one byte.
    Negotiate,
    /// Loading the root file, the client certificate, its key or the CRL.
    Credentials,
    /// The TLS handshake, the verification of the certificate chain included.
    Handshake,
    /// Matching the host against the names in the certificate.
    Name,
    /// From the StartupMessage to ReadyForQuery.
    Login,
    /// Asking whether the session is what `target_session_attrs` wants.
    Session,
    /// Sending a cancel request.
    Cancel,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Configuration => "configuration",
            Phase::Resolve => "name lookup",
            Phase::Connect => "opening the socket",
            Phase::Negotiate => "TLS negotiation",
            Phase::Credentials => "TLS credentials",
            Phase::Handshake => "TLS handshake",
            Phase::Name => "host name check",
            Phase::Login => "login",
            Phase::Session => "session check",
            Phase::Cancel => "cancel request",
        })
    }
}
