//! A session after the login: enough of simple and extended query for any driver to connect, run
//! `SELECT <integer>` with the housekeeping around it, and leave.
//!
//! A pure state machine: a message goes in, bytes come out. There are no tables: a SELECT that is
//! not understood has plausible columns and no rows, which is a good answer to a look-up in a
//! catalogue; values are read and written as the types that they are cast to; what would change data is refused (0A000). SET is not undone by ROLLBACK.

mod cast;
mod catalogue;
mod column;
mod command;
mod decimal;
mod evaluate;
mod expression;
mod extended;
mod lexer;
mod limits;
mod literal;
mod moment;
mod parameters;
mod prepared;
mod query;
mod refusal;
mod rows;
mod run;
mod select;
mod state;
mod statement;
#[cfg(test)]
mod tests;
mod token;
mod types;
mod value;
mod words;

pub(crate) use self::{parameters::Parameters, refusal::out_of_memory};
use self::{
    query::Query,
    refusal::{protocol_violation, unsupported},
    state::State,
};
use crate::{
    budget::{Account, Exhausted},
    protocol::{frontend::Message, report::Report},
};

/// Whether the session goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// It does.
    Continue,
    /// It does, and the message is not answered to its end: [`Session::proceed`] is next.
    More,
    /// The connection is to be closed.
    Close,
}

/// What came of a message, besides the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "it says when to close the connection"]
pub(crate) struct Respond {
    /// Whether the session goes on.
    pub(crate) flow: Flow,
    /// The number of a `SELECT <integer>` that was run (not merely parsed), if it is the one that
    /// the session looks out for; the last of several.
    pub(crate) query_seen: Option<i64>,
}

/// A session.
#[derive(Debug)]
pub(crate) struct Session {
    state: State,
    /// After an error in extended query nothing is answered until Sync.
    skipping: bool,
    /// A simple query that is not answered to its end.
    query: Option<Query>,
}

impl Session {
    /// A session right after its login, that looks out for `SELECT <wanted>`, or for any
    /// `SELECT <integer>`; what it remembers is taken from the account.
    ///
    /// # Errors
    /// When the account has no room for the parameters.
    pub(crate) fn new(
        parameters: Parameters,
        wanted: Option<i64>,
        account: Account,
    ) -> Result<Self, Exhausted> {
        let state = State::new(parameters, wanted, account)?;
        Ok(Self { state, skipping: false, query: None })
    }

    /// Takes a message and appends the answer to `out`, or, where that is [`Flow::More`], its
    /// beginning: a long one comes in pieces, so that neither time nor memory is taken at once.
    ///
    /// Query, Sync, FunctionCall and messages that a session does not know end with
    /// ReadyForQuery; a failed message of the extended query does not, and all is skipped up to
    /// the next Sync, as in PostgreSQL.
    pub(crate) fn respond(&mut self, message: Message, out: &mut Vec<u8>) -> Respond {
        self.state.query_seen = None;
        let flow = self.answer(message, out);
        Respond { flow, query_seen: self.state.query_seen.take() }
    }

    /// Appends the next piece of an answer.
    pub(crate) fn proceed(&mut self, out: &mut Vec<u8>) -> Respond {
        self.state.query_seen = None;
        let flow = self.proceed_with_query(out);
        Respond { flow, query_seen: self.state.query_seen.take() }
    }

    fn answer(&mut self, message: Message, out: &mut Vec<u8>) -> Flow {
        if message == Message::Terminate {
            return Flow::Close;
        }
        if self.skipping && message.tag() != b'S' {
            return Flow::Continue;
        }
        let tag = message.tag();
        match message {
            Message::Query(sql) => return self.begin_query(sql, out),
            Message::Sync => self.sync(out),
            Message::Parse { statement, query, parameter_types } => {
                let result = self.state.parse(&statement, &query, parameter_types, out);
                self.skip_after(result, out);
            }
            Message::Bind(bind) => {
                let result = self.state.bind(bind, out);
                self.skip_after(result, out);
            }
            Message::Describe(target) => {
                let result = self.state.describe(&target, out);
                self.skip_after(result, out);
            }
            Message::Execute { portal, max_rows } => {
                let result = self.state.execute(&portal, max_rows, out);
                self.skip_after(result, out);
            }
            Message::Close(target) => self.state.close(&target, out),
            // Every answer is sent at once; and what is left of a COPY is to be ignored.
            Message::Flush | Message::CopyData(_) | Message::CopyDone | Message::CopyFail(_) => {}
            Message::Malformed { tag: b'P' | b'B' | b'D' | b'E' | b'C' | b'H', error } => {
                let report = protocol_violation(error.to_string());
                self.skip_after(Err(report), out);
            }
            Message::Malformed { error, .. } => {
                self.skipping = false;
                self.finish(Err(protocol_violation(error.to_string())), out);
            }
            Message::FunctionCall(_) => {
                self.finish(Err(unsupported("FunctionCall")), out);
            }
            Message::Proof(_) | Message::Unknown { .. } => {
                let report = protocol_violation(format!("invalid frontend message type {tag}"));
                self.finish(Err(report), out);
            }
            Message::Terminate => return Flow::Close,
        }
        Flow::Continue
    }

    fn begin_query(&mut self, sql: String, out: &mut Vec<u8>) -> Flow {
        match Query::new(sql, &mut self.state) {
            Ok(query) => {
                self.query = Some(query);
                self.proceed_with_query(out)
            }
            Err(report) => {
                self.finish(Err(report), out);
                Flow::Continue
            }
        }
    }

    fn proceed_with_query(&mut self, out: &mut Vec<u8>) -> Flow {
        let Some(query) = &mut self.query else { return Flow::Continue };
        let result = match query.proceed(&mut self.state, out) {
            Ok(false) => return Flow::More,
            Ok(true) => Ok(()),
            Err(report) => Err(report),
        };
        self.query = None;
        self.finish(result, out);
        Flow::Continue
    }

    fn sync(&mut self, out: &mut Vec<u8>) {
        self.skipping = false;
        self.state.ready(out);
    }

    /// Ends a round that ReadyForQuery answers.
    fn finish(&mut self, result: Result<(), Report>, out: &mut Vec<u8>) {
        if let Err(report) = result {
            self.state.fail(&report, out);
        }
        self.state.ready(out);
    }

    /// Ends a message that nothing but Sync leads to ReadyForQuery from.
    fn skip_after(&mut self, result: Result<(), Report>, out: &mut Vec<u8>) {
        if let Err(report) = result {
            self.state.fail(&report, out);
            self.skipping = true;
        }
    }
}
