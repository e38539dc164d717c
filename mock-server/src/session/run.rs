//! Running a statement: what it changes, the rows it gives, the tag it ends with.

use super::{
    command::Command,
    limits::MAX_REMEMBERED,
    refusal::{no_statement, out_of_memory, too_much},
    rows::{Field, Row},
    state::{Savepoint, State},
    types::Type,
};
use crate::protocol::{
    backend::{self, TransactionStatus},
    report::{Report, Severity},
};

/// What running a statement gave.
#[derive(Debug)]
pub(super) enum Ran {
    /// The command's tag.
    Command(&'static str),
    /// Rows of the statement's columns.
    Rows(Vec<Row>),
}

/// The tag after all rows of a statement.
pub(super) fn rows_tag(command: &Command, count: usize) -> String {
    match command {
        Command::Show(_) => "SHOW".to_owned(),
        _ => format!("SELECT {count}"),
    }
}

impl State {
    /// The columns of the rows that a command gives; `None` if it gives none.
    ///
    /// # Errors
    /// When a parameter is asked for that is not known.
    pub(super) fn fields(&self, command: &Command) -> Result<Option<Vec<Field>>, Report> {
        let text = |name: &str| Field { name: name.to_owned(), of_type: Type::TEXT };
        Ok(match command {
            Command::Select(select) => Some(
                select
                    .columns
                    .iter()
                    .map(|column| Field { name: column.name.clone(), of_type: column.of_type })
                    .collect(),
            ),
            Command::Show(None) => Some(vec![text("name"), text("setting"), text("description")]),
            Command::Show(Some(name)) => Some(vec![text(self.setting(name)?.0)]),
            _ => None,
        })
    }

    /// Runs a command, whose first parameter is this number, if it is any; a warning is answered at once.
    ///
    /// # Errors
    /// As PostgreSQL refuses it, or for lack of memory.
    pub(super) fn run(
        &mut self,
        command: &Command,
        parameter: Option<u32>,
        out: &mut Vec<u8>,
    ) -> Result<Ran, Report> {
        Ok(Ran::Command(match command {
            Command::Select(select) => return self.select(select, parameter).map(Ran::Rows),
            Command::Show(name) => return self.show(name.as_deref()).map(Ran::Rows),
            Command::Begin { tag } => {
                match self.transaction {
                    TransactionStatus::Idle => self.transaction = TransactionStatus::Open,
                    _ => warn("25001", "there is already a transaction in progress", out),
                }
                tag
            }
            Command::Commit => self.end("COMMIT", out),
            Command::Rollback => self.end("ROLLBACK", out),
            Command::Savepoint(name) => {
                self.check_block("SAVEPOINT")?;
                if self.savepoints.len() >= MAX_REMEMBERED {
                    return Err(too_much("savepoints"));
                }
                let held = self.account.hold(size_of::<Savepoint>() + name.len());
                let held = held.map_err(out_of_memory)?;
                self.savepoints.push(Savepoint { name: name.clone(), _held: held });
                "SAVEPOINT"
            }
            Command::Release(name) => {
                self.check_block("RELEASE SAVEPOINT")?;
                let index = self.savepoint(name)?;
                self.savepoints.truncate(index);
                "RELEASE"
            }
            Command::RollbackTo(name) => {
                self.check_block("ROLLBACK TO SAVEPOINT")?;
                let index = self.savepoint(name)?;
                self.savepoints.truncate(index + 1);
                self.transaction = TransactionStatus::Open;
                "ROLLBACK"
            }
            Command::Set { name, value } => {
                match value {
                    Some(value) => self.set(name, value)?,
                    None => self.parameters.reset(name),
                }
                "SET"
            }
            Command::Reset(name) => {
                match name {
                    Some(name) => self.parameters.reset(name),
                    None => self.parameters.reset_all(),
                }
                "RESET"
            }
            Command::Deallocate(None) => {
                self.prepared.clear();
                "DEALLOCATE ALL"
            }
            Command::Deallocate(Some(name)) => {
                self.prepared.remove(name).ok_or_else(|| no_statement(name))?;
                "DEALLOCATE"
            }
            Command::DiscardAll => {
                self.prepared.clear();
                self.parameters.reset_all();
                "DISCARD ALL"
            }
            Command::Nothing { tag } => tag,
        }))
    }

    fn end(&mut self, tag: &'static str, out: &mut Vec<u8>) -> &'static str {
        let before = std::mem::take(&mut self.transaction);
        self.savepoints.clear();
        self.portals.clear();
        match before {
            TransactionStatus::Idle => {
                warn("25P01", "there is no transaction in progress", out);
                tag
            }
            TransactionStatus::Open => tag,
            TransactionStatus::Failed => "ROLLBACK",
        }
    }

    fn check_block(&self, what: &str) -> Result<(), Report> {
        match self.transaction {
            TransactionStatus::Idle => Err(Report::error(
                "25P01",
                format!("{what} can only be used in transaction blocks"),
            )),
            _ => Ok(()),
        }
    }

    fn savepoint(&self, name: &str) -> Result<usize, Report> {
        self.savepoints
            .iter()
            .rposition(|own| own.name == name)
            .ok_or_else(|| Report::error("3B001", format!("savepoint \"{name}\" does not exist")))
    }
}

fn warn(code: &'static str, message: &str, out: &mut Vec<u8>) {
    let report = Report { severity: Severity::Warning, ..Report::error(code, message) };
    backend::notice_response(out, &report);
}
