//! A session after the login: enough of simple and extended query for any driver to connect, run
//! `SELECT <integer>` with the housekeeping around it, and leave.
//!
//! A pure state machine: a message goes in, bytes come out. There are no tables: a SELECT that is
//! not understood has plausible columns and no rows, which is a good answer to a look-up in a
//! catalogue; what would change data is refused (0A000). SET is not undone by ROLLBACK.

mod extended;
mod lexer;
mod parameters;
mod query;
mod run;
mod select;
mod statement;
#[cfg(test)]
mod tests;
mod types;

use std::{collections::HashMap, sync::Arc};

pub(crate) use self::parameters::Parameters;
use self::{
    extended::{Portal, Prepared},
    query::Query,
    run::Savepoint,
};
use crate::{
    budget::{Account, Exhausted, Held},
    protocol::{
        backend::{self, Report, TransactionStatus},
        frontend::Message,
    },
};

/// How long the answer to one message may get, in bytes: more than any honest one asks for.
const MAX_ANSWER: usize = 4 << 20;
/// How long one row may get, in bytes: it is made in one piece.
const MAX_ROW: usize = 256 * 1024;
/// How many of a kind a session remembers: parameters, statements, portals, savepoints.
const MAX_REMEMBERED: usize = 1000;
/// What remembering anything costs beside its own bytes: a place in a map, a few allocations.
const REMEMBERED: usize = 256;

/// 54000.
fn too_much(what: &str) -> Report {
    Report::error("54000", format!("too much for this server: {what}"))
}

/// 53200.
pub(crate) fn out_of_memory(Exhausted: Exhausted) -> Report {
    Report::error("53200", "out of memory")
        .with_detail("The connection, or all of them, may hold no more; see the server's settings.")
}

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
    parameters: Parameters,
    /// The number to look out for; any if there is none.
    wanted: Option<i64>,
    transaction: TransactionStatus,
    savepoints: Vec<Savepoint>,
    /// By name; the unnamed one has none.
    prepared: HashMap<String, Arc<Prepared>>,
    /// By name; the unnamed one has none.
    portals: HashMap<String, Portal>,
    /// After an error in extended query nothing is answered until Sync.
    skipping: bool,
    /// See [`Respond`]; gathered while one message is answered.
    query_seen: Option<i64>,
    /// A simple query that is not answered to its end.
    query: Option<Query>,
    /// What pays for all that is remembered.
    account: Account,
    /// What the parameters hold of it.
    parameters_held: Held,
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
        let parameters_held = account.hold(parameters.size())?;
        Ok(Self {
            parameters,
            wanted,
            transaction: TransactionStatus::Idle,
            savepoints: Vec::new(),
            prepared: HashMap::new(),
            portals: HashMap::new(),
            skipping: false,
            query_seen: None,
            query: None,
            account,
            parameters_held,
        })
    }

    /// Takes a message and appends the answer to `out`, or, where that is [`Flow::More`], its
    /// beginning: a long one comes in pieces, so that neither time nor memory is taken at once.
    ///
    /// Query, Sync, FunctionCall and messages that a session does not know end with
    /// ReadyForQuery; a failed message of the extended query does not, and all is skipped up to
    /// the next Sync, as in PostgreSQL.
    pub(crate) fn respond(&mut self, message: Message, out: &mut Vec<u8>) -> Respond {
        self.query_seen = None;
        let flow = self.answer(message, out);
        Respond { flow, query_seen: self.query_seen.take() }
    }

    /// Appends the next piece of an answer.
    pub(crate) fn proceed(&mut self, out: &mut Vec<u8>) -> Respond {
        self.query_seen = None;
        let flow = self.proceed_with_query(out);
        Respond { flow, query_seen: self.query_seen.take() }
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
                let result = self.parse(&statement, &query, parameter_types, out);
                self.skip_after(result, out);
            }
            Message::Bind(bind) => {
                let result = self.bind(bind, out);
                self.skip_after(result, out);
            }
            Message::Describe(target) => {
                let result = self.describe(&target, out);
                self.skip_after(result, out);
            }
            Message::Execute { portal, max_rows } => {
                let result = self.execute(&portal, max_rows, out);
                self.skip_after(result, out);
            }
            Message::Close(target) => self.close(&target, out),
            // Every answer is sent at once; and what is left of a COPY is to be ignored.
            Message::Flush | Message::CopyData(_) | Message::CopyDone | Message::CopyFail(_) => {}
            Message::Malformed { tag: b'P' | b'B' | b'D' | b'E' | b'C' | b'H', error } => {
                let report = Report::error("08P01", error.to_string());
                self.skip_after(Err(report), out);
            }
            Message::Malformed { error, .. } => {
                self.skipping = false;
                self.finish(Err(Report::error("08P01", error.to_string())), out);
            }
            Message::FunctionCall(_) => {
                self.finish(Err(statement::unsupported("FunctionCall")), out);
            }
            Message::Proof(_) | Message::Unknown { .. } => {
                let report = Report::error("08P01", format!("invalid frontend message type {tag}"));
                self.finish(Err(report), out);
            }
            Message::Terminate => return Flow::Close,
        }
        Flow::Continue
    }

    fn sync(&mut self, out: &mut Vec<u8>) {
        self.skipping = false;
        self.ready(out);
    }

    /// Ends a round that ReadyForQuery answers.
    fn finish(&mut self, result: Result<(), Report>, out: &mut Vec<u8>) {
        if let Err(report) = result {
            self.fail(&report, out);
        }
        self.ready(out);
    }

    /// Ends a message that nothing but Sync leads to ReadyForQuery from.
    fn skip_after(&mut self, result: Result<(), Report>, out: &mut Vec<u8>) {
        if let Err(report) = result {
            self.fail(&report, out);
            self.skipping = true;
        }
    }

    fn fail(&mut self, report: &Report, out: &mut Vec<u8>) {
        tracing::debug!(code = report.code, message = report.message, "refused");
        backend::error_response(out, report);
        if self.transaction == TransactionStatus::Open {
            self.transaction = TransactionStatus::Failed;
        }
    }

    fn ready(&mut self, out: &mut Vec<u8>) {
        if self.transaction == TransactionStatus::Idle {
            self.portals.clear();
        }
        self.parameters.report_changes(out);
        backend::ready_for_query(out, self.transaction);
    }

    /// In a transaction that failed, that comes before all that is wrong with a statement but
    /// its syntax.
    fn refuse_if_failed(&self, report: Report) -> Report {
        match self.transaction {
            TransactionStatus::Failed if report.code != "42601" => run::failed_transaction(),
            _ => report,
        }
    }
}
