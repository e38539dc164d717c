//! A session after the login: enough of simple and extended query for any driver to connect, run
//! `SELECT <integer>` with the housekeeping around it, and leave.
//!
//! A pure state machine: a message goes in, bytes come out. There are no tables: a SELECT that is
//! not understood has plausible columns and no rows, which is a good answer to a look-up in a
//! catalogue; what would change data is refused (0A000). SET is not undone by ROLLBACK.

mod extended;
mod lexer;
mod parameters;
mod run;
mod select;
mod statement;
#[cfg(test)]
mod tests;
mod types;

use std::collections::HashMap;

use self::extended::{Portal, Prepared};
pub(crate) use self::parameters::Parameters;
pub(crate) use self::parameters::SERVER_VERSION;
use crate::protocol::{
    backend::{self, Report, TransactionStatus},
    frontend::Message,
};

/// How long the answer to one message may get, in bytes: more than any honest one asks for.
const MAX_ANSWER: usize = 4 << 20;
/// How many of a kind a session remembers: parameters, statements, portals, savepoints.
const MAX_REMEMBERED: usize = 1000;

/// 54000.
fn too_much(what: &str) -> Report {
    Report::error("54000", format!("too much for this server: {what}"))
}

/// Whether the session goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// It does.
    Continue,
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
    savepoints: Vec<String>,
    /// By name; the unnamed one has none.
    prepared: HashMap<String, Prepared>,
    /// By name; the unnamed one has none.
    portals: HashMap<String, Portal>,
    /// After an error in extended query nothing is answered until Sync.
    skipping: bool,
    /// See [`Respond`]; gathered while one message is answered.
    query_seen: Option<i64>,
}

impl Session {
    /// A session right after its login, that looks out for `SELECT <wanted>`, or for any
    /// `SELECT <integer>`.
    #[must_use]
    pub(crate) fn new(parameters: Parameters, wanted: Option<i64>) -> Self {
        Self {
            parameters,
            wanted,
            transaction: TransactionStatus::Idle,
            savepoints: Vec::new(),
            prepared: HashMap::new(),
            portals: HashMap::new(),
            skipping: false,
            query_seen: None,
        }
    }

    /// Takes a message and appends the answer to `out`.
    ///
    /// Query, Sync, FunctionCall and messages that a session does not know end with
    /// ReadyForQuery; a failed message of the extended query does not, and all is skipped up to
    /// the next Sync, as in PostgreSQL.
    pub(crate) fn respond(&mut self, message: &Message, out: &mut Vec<u8>) -> Respond {
        self.query_seen = None;
        let flow = self.answer(message, out);
        Respond { flow, query_seen: self.query_seen.take() }
    }

    fn answer(&mut self, message: &Message, out: &mut Vec<u8>) -> Flow {
        if let Message::Terminate = message {
            return Flow::Close;
        }
        if self.skipping && message.tag() != b'S' {
            return Flow::Continue;
        }
        match message {
            Message::Query(sql) => {
                let result = self.query(sql, out);
                self.finish(result, out);
            }
            Message::Sync => self.sync(out),
            Message::Parse { statement, query, parameter_types } => {
                let result = self.parse(statement, query, parameter_types, out);
                self.skip_after(result, out);
            }
            Message::Bind(bind) => {
                let result = self.bind(bind, out);
                self.skip_after(result, out);
            }
            Message::Describe(target) => {
                let result = self.describe(target, out);
                self.skip_after(result, out);
            }
            Message::Execute { portal, max_rows } => {
                let result = self.execute(portal, *max_rows, out);
                self.skip_after(result, out);
            }
            Message::Close(target) => self.close(target, out),
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
                let tag = message.tag();
                let report = Report::error("08P01", format!("invalid frontend message type {tag}"));
                self.finish(Err(report), out);
            }
            Message::Terminate => return Flow::Close,
        }
        Flow::Continue
    }

    /// Simple query.
    fn query(&mut self, sql: &str, out: &mut Vec<u8>) -> Result<(), Report> {
        self.prepared.remove("");
        self.portals.remove("");
        let statements = statement::parse(sql).map_err(|report| self.refuse_if_failed(report))?;
        if statements.is_empty() {
            backend::empty_query_response(out);
        }
        let before = out.len();
        for statement in statements {
            if out.len() - before > MAX_ANSWER {
                return Err(too_much("an answer of more than 4 MiB"));
            }
            if !statement.parameters.is_empty() {
                return Err(Report::error("42P02", "there is no parameter $1"));
            }
            self.simple(&statement.command, out)?;
        }
        Ok(())
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
