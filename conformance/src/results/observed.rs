//! What was seen of one cell.

use pgtls_mock_server::trace::{Outcome, Trace};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Texts, Written, shim::ClientError};

/// What was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Observed {
    /// The server's trace.
    trace: Written<Trace>,
    /// Its outcome.
    outcome: Written<Outcome>,
    /// What the client said went wrong.
    pub error: Option<ClientError>,
    /// The TLS session, if there was one.
    pub tls: Option<Tls>,
    /// How often the client had to wait for the server, up to the query.
    pub round_trips: u32,
    /// From the question to the answer, in microseconds.
    pub elapsed_us: u64,
}

/// A TLS session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Tls {
    /// The version, such as `TLSv1.3`.
    pub version: Option<String>,
    /// The cipher suite by its IANA name.
    pub cipher: Option<String>,
    /// The ALPN protocol agreed on.
    pub alpn: Option<String>,
    /// The ClientHello's server_name.
    pub sni: Option<String>,
}

impl Observed {
    /// A call that left this trace, of which no more is known.
    #[must_use]
    pub const fn of(trace: Trace) -> Self {
        Self {
            outcome: Written::Known(trace.outcome),
            trace: Written::Known(trace),
            error: None,
            tls: None,
            round_trips: 0,
            elapsed_us: 0,
        }
    }

    /// The server's trace.
    #[must_use]
    pub const fn trace(&self) -> &Written<Trace> {
        &self.trace
    }

    /// How the call ended: the trace's outcome.
    #[must_use]
    pub const fn outcome(&self) -> &Written<Outcome> {
        &self.outcome
    }

    /// The same call, found to have ended otherwise.
    pub fn ends_as(&mut self, outcome: Outcome) {
        self.outcome = outcome.into();
        if let Written::Known(trace) = &mut self.trace {
            trace.outcome = outcome;
        }
    }
}

impl Texts for Observed {
    fn texts(&mut self, each: &mut dyn FnMut(&mut String)) {
        let Self { trace, outcome, error, tls, round_trips: _, elapsed_us: _ } = self;
        trace.texts(each);
        outcome.texts(each);
        if let Some(ClientError { class, message }) = error {
            [class, message].into_iter().for_each(&mut *each);
        }
        tls.texts(each);
    }
}

impl Texts for Tls {
    fn texts(&mut self, each: &mut dyn FnMut(&mut String)) {
        let Self { version, cipher, alpn, sni } = self;
        [version, cipher, alpn, sni].into_iter().for_each(|text| text.texts(each));
    }
}
