//! What a session remembers from one message to the next.

use std::{collections::HashMap, sync::Arc};

use super::{
    command::Command,
    parameters::Parameters,
    prepared::{Portal, Prepared},
    refusal::failed_transaction,
};
use crate::{
    budget::{Account, Exhausted, Held},
    protocol::{
        backend::{self, TransactionStatus},
        report::Report,
    },
};

/// A session's memory; what it holds is taken from an account.
#[derive(Debug)]
pub(super) struct State {
    pub(super) parameters: Parameters,
    /// The number to look out for; any if there is none.
    pub(super) wanted: Option<i64>,
    pub(super) transaction: TransactionStatus,
    pub(super) savepoints: Vec<Savepoint>,
    /// By name; the unnamed one has none.
    pub(super) prepared: HashMap<String, Arc<Prepared>>,
    /// By name; the unnamed one has none.
    pub(super) portals: HashMap<String, Portal>,
    /// The last wanted number that was run while the message at hand was answered.
    pub(super) query_seen: Option<i64>,
    /// What pays for all that is remembered.
    pub(super) account: Account,
    /// What the parameters hold of it.
    pub(super) parameters_held: Held,
}

/// A savepoint, and what it holds of the account.
#[derive(Debug)]
pub(super) struct Savepoint {
    pub(super) name: String,
    pub(super) _held: Held,
}

impl State {
    /// What is remembered right after the login.
    ///
    /// # Errors
    /// When the account has no room for the parameters.
    pub(super) fn new(
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
            query_seen: None,
            account,
            parameters_held,
        })
    }

    /// Answers with an error, which an open transaction does not survive.
    pub(super) fn fail(&mut self, report: &Report, out: &mut Vec<u8>) {
        tracing::debug!(code = report.code, message = report.message, "refused");
        backend::error_response(out, report);
        if self.transaction == TransactionStatus::Open {
            self.transaction = TransactionStatus::Failed;
        }
    }

    /// Answers with ReadyForQuery, after what changed of the reported parameters.
    pub(super) fn ready(&mut self, out: &mut Vec<u8>) {
        if self.transaction == TransactionStatus::Idle {
            self.portals.clear();
        }
        self.parameters.report_changes(out);
        backend::ready_for_query(out, self.transaction);
    }

    /// In a transaction that failed, that comes before all that is wrong with a statement but
    /// its syntax.
    pub(super) fn refuse_if_failed(&self, report: Report) -> Report {
        match self.transaction {
            TransactionStatus::Failed if report.code != "42601" => failed_transaction(),
            _ => report,
        }
    }

    /// In a transaction that failed, only its end may run.
    pub(super) fn check_transaction(&self, command: &Command) -> Result<(), Report> {
        match self.transaction {
            TransactionStatus::Failed if !command.ends_transaction() => Err(failed_transaction()),
            _ => Ok(()),
        }
    }
}
