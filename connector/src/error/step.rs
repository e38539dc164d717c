//! The steps of a connection.

use std::fmt;

/// The step at which an attempt failed, in the order in which they are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Step {
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

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Step::Configuration => "configuration",
            Step::Resolve => "name lookup",
            Step::Connect => "opening the socket",
            Step::Negotiate => "TLS negotiation",
            Step::Credentials => "TLS credentials",
            Step::Handshake => "TLS handshake",
            Step::Name => "host name check",
            Step::Login => "login",
            Step::Session => "session check",
            Step::Cancel => "cancel request",
        })
    }
}
