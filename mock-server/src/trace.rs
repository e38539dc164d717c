//! The trace: what the server saw, condensed, in the notation of PostgreSQL's negotiation tests.

use std::{fmt, str::FromStr};

use crate::axis;

/// One thing that the server saw on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Event {
    /// SSLRequest answered `S`, at that moment.
    SslAccept,
    /// SSLRequest answered `N` or a garbage byte.
    SslReject,
    /// A ClientHello without SSLRequest; the handshake completed with ALPN `postgresql`.
    DirectSslAccept,
    /// A ClientHello without SSLRequest that came to nothing.
    DirectSslReject,
    /// GSSENCRequest accepted.
    GssAccept,
    /// GSSENCRequest answered `N`.
    GssReject,
    /// `error` sent before any StartupMessage.
    BackendError,
    /// A StartupMessage arrived and the login succeeded.
    AuthOk,
    /// A StartupMessage arrived and the server rejected the login.
    AuthFail,
    /// A StartupMessage arrived and the client left before the login was decided.
    AuthQuit,
    /// A CancelRequest.
    Cancel,
    /// Bytes that are none of the above.
    Junk,
}

impl Event {
    /// Every event that a connection can show.
    pub const ALL: [Self; 12] = [
        Self::SslAccept,
        Self::SslReject,
        Self::DirectSslAccept,
        Self::DirectSslReject,
        Self::GssAccept,
        Self::GssReject,
        Self::BackendError,
        Self::AuthOk,
        Self::AuthFail,
        Self::AuthQuit,
        Self::Cancel,
        Self::Junk,
    ];

    /// The event's name in a trace.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SslAccept => "sslaccept",
            Self::SslReject => "sslreject",
            Self::DirectSslAccept => "directsslaccept",
            Self::DirectSslReject => "directsslreject",
            Self::GssAccept => "gssaccept",
            Self::GssReject => "gssreject",
            Self::BackendError => "backenderror",
            Self::AuthOk => "authok",
            Self::AuthFail => "authfail",
            Self::AuthQuit => "authquit",
            Self::Cancel => "cancel",
            Self::Junk => "junk",
        }
    }
}

axis! {
    /// How a cell ended, as the server and the deadline saw it.
    "outcome" Outcome {
        /// The query never arrived after a login.
        Fail = "fail",
        /// The query arrived over TLS.
        Ssl = "ssl",
        /// The query arrived in plaintext.
        Plain = "plain",
        /// The query arrived over GSS encryption.
        Gss = "gss",
        /// The deadline passed.
        Hang = "hang",
        /// The client died.
        Crash = "crash",
    }
}

impl Outcome {
    /// Whether the query arrived.
    #[must_use]
    pub const fn is_connected(self) -> bool {
        matches!(self, Self::Ssl | Self::Plain | Self::Gss)
    }
}

/// The events of each connection in the order of their acceptance, and the outcome.
///
/// ```
/// use pgtls_mock_server::trace::{Event, Trace};
///
/// let text = "connect, sslaccept, authfail, reconnect, authok -> plain";
/// let trace: Trace = text.parse()?;
/// assert_eq!(trace.connections[1], [Event::AuthOk]);
/// assert_eq!(trace.to_string(), text);
/// # Ok::<(), pgtls_mock_server::trace::ParseTraceError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Trace {
    /// One list of events a connection.
    pub connections: Vec<Vec<Event>>,
    /// How it ended.
    pub outcome: Outcome,
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.connections.is_empty() {
            f.write_str("-")?;
        }
        for (index, events) in self.connections.iter().enumerate() {
            f.write_str(if index == 0 { "connect" } else { ", reconnect" })?;
            for event in events {
                write!(f, ", {}", event.name())?;
            }
        }
        write!(f, " -> {}", self.outcome)
    }
}

/// A text that is no trace.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("wanted a trace like `connect, sslaccept, authok -> ssl`, got `{0}`")]
pub struct ParseTraceError(String);

impl FromStr for Trace {
    type Err = ParseTraceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ParseTraceError(text.to_owned());
        let (events, outcome) = text.split_once(" -> ").ok_or_else(wrong)?;
        let outcome = outcome.parse().map_err(|_| wrong())?;
        let mut connections: Vec<Vec<Event>> = Vec::new();
        if events != "-" {
            for word in events.split(", ") {
                match (word, connections.last_mut()) {
                    ("connect", None) | ("reconnect", Some(_)) => connections.push(Vec::new()),
                    (word, Some(last)) => last.push(
                        Event::ALL
                            .into_iter()
                            .find(|event| event.name() == word)
                            .ok_or_else(wrong)?,
                    ),
                    (_, None) => return Err(wrong()),
                }
            }
        }
        Ok(Self { connections, outcome })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_survive_their_text() {
        for text in [
            "- -> fail",
            "connect -> hang",
            "connect, sslreject, authok -> plain",
            "connect, directsslreject, backenderror -> fail",
            "connect, authfail, reconnect, sslaccept, authok -> ssl",
        ] {
            assert_eq!(text.parse::<Trace>().map(|trace| trace.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_is_no_trace_is_refused() {
        for text in [
            "",
            "connect",
            "reconnect -> ssl",
            "connect, connect -> ssl",
            "sslaccept -> ssl",
            "connect -> well",
        ] {
            assert!(text.parse::<Trace>().is_err(), "{text}");
        }
    }
}
