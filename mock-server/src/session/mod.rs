//! A session after the login: enough of simple and extended query for any driver.

use crate::protocol::frontend::Message;

/// The session's parameters as ParameterStatus reports them, and SHOW.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameters {}

impl Parameters {
    /// PostgreSQL's, with what the StartupMessage asked for.
    #[must_use]
    pub fn new(_startup: &crate::protocol::startup::StartupMessage) -> Self {
        unimplemented!()
    }

    /// Appends a ParameterStatus for each one that PostgreSQL reports.
    pub fn report(&self, _out: &mut Vec<u8>) {
        unimplemented!()
    }
}

/// Whether the session goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// It does.
    Continue,
    /// The connection is to be closed.
    Close,
}

/// What came of a message, besides the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "it says when to close the connection"]
pub struct Respond {
    /// Whether the session goes on.
    pub flow: Flow,
    /// The number of a `SELECT <integer>` that was run (not merely parsed); the last of several.
    pub query_seen: Option<i64>,
}

/// A session.
#[derive(Debug)]
pub struct Session {}

impl Session {
    /// A session right after its login.
    #[must_use]
    pub fn new(_parameters: Parameters) -> Self {
        unimplemented!()
    }

    /// Takes a message and appends the answer to `out`.
    pub fn respond(&mut self, _message: &Message, _out: &mut Vec<u8>) -> Respond {
        unimplemented!()
    }
}
