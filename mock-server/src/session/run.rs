//! Running a statement: what it changes, the rows it gives, the tag it ends with.

use super::{
    MAX_REMEMBERED, MAX_ROW, Session, out_of_memory,
    select::{Expression, Select},
    statement::Command,
    too_much,
    types::{Type, Value},
};
use crate::{
    budget::Held,
    protocol::{
        backend::{self, Column, Report, Severity, TransactionStatus},
        frontend::Format,
    },
};

/// A row; `None` is NULL.
pub(super) type Row = Vec<Option<Value>>;

/// A column of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) of_type: Type,
}

/// A savepoint, and what it holds of the account.
#[derive(Debug)]
pub(super) struct Savepoint {
    name: String,
    _held: Held,
}

/// What running a statement gave.
#[derive(Debug)]
pub(super) enum Ran {
    /// The command's tag.
    Command(&'static str),
    /// Rows of the statement's columns.
    Rows(Vec<Row>),
}

/// 25P02.
pub(super) fn failed_transaction() -> Report {
    Report::error(
        "25P02",
        "current transaction is aborted, commands ignored until end of transaction block",
    )
}

/// The tag after all rows of a statement.
pub(super) fn rows_tag(command: &Command, count: usize) -> String {
    match command {
        Command::Show(_) => "SHOW".to_owned(),
        _ => format!("SELECT {count}"),
    }
}

/// Appends RowDescription.
pub(super) fn describe(fields: &[Field], format: impl Fn(usize) -> Format, out: &mut Vec<u8>) {
    let columns: Vec<_> = fields
        .iter()
        .enumerate()
        .map(|(index, field)| Column {
            name: field.name.as_bytes(),
            table_oid: 0,
            number: 0,
            type_oid: field.of_type.oid(),
            type_size: field.of_type.size(),
            type_modifier: -1,
            format: format(index) as i16,
        })
        .collect();
    backend::row_description(out, &columns, None);
}

/// Appends DataRow.
pub(super) fn send(
    row: &Row,
    fields: &[Field],
    format: impl Fn(usize) -> Format,
    out: &mut Vec<u8>,
) {
    let values: Vec<_> = row
        .iter()
        .zip(fields)
        .enumerate()
        .map(|(index, (value, field))| {
            value.as_ref().map(|value| field.of_type.encode(value, format(index)))
        })
        .collect();
    let values: Vec<_> = values.iter().map(Option::as_deref).collect();
    backend::data_row(out, &values, None);
}

impl Session {
    /// The columns of the rows that a command gives; `None` if it gives none.
    ///
    /// # Errors
    /// When a parameter is asked for that is not known.
    pub(super) fn fields(&self, command: &Command) -> Result<Option<Vec<Field>>, Report> {
        let text = |name: &str| Field { name: name.to_owned(), of_type: Type::Text };
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

    /// Runs a command for simple query.
    pub(super) fn simple(&mut self, command: &Command, out: &mut Vec<u8>) -> Result<(), Report> {
        self.check_transaction(command)?;
        let fields = self.fields(command)?.unwrap_or_default();
        match self.run(command, out)? {
            Ran::Command(tag) => backend::command_complete(out, tag),
            Ran::Rows(rows) => {
                describe(&fields, |_| Format::Text, out);
                for row in &rows {
                    send(row, &fields, |_| Format::Text, out);
                }
                backend::command_complete(out, &rows_tag(command, rows.len()));
            }
        }
        Ok(())
    }

    /// In a transaction that failed, only its end may run.
    pub(super) fn check_transaction(&self, command: &Command) -> Result<(), Report> {
        match self.transaction {
            TransactionStatus::Failed if !command.ends_transaction() => Err(failed_transaction()),
            _ => Ok(()),
        }
    }

    pub(super) fn run(&mut self, command: &Command, out: &mut Vec<u8>) -> Result<Ran, Report> {
        Ok(Ran::Command(match command {
            Command::Select(select) => return self.select(select).map(Ran::Rows),
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
                self.prepared.remove(name).ok_or_else(|| super::extended::no_statement(name))?;
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

    fn select(&mut self, select: &Select) -> Result<Vec<Row>, Report> {
        let is_wanted = |number| self.wanted.is_none_or(|wanted| wanted == number);
        if select.integer.is_some_and(is_wanted) {
            self.query_seen = select.integer;
        }
        let Some(expressions) = &select.row else { return Ok(Vec::new()) };
        let mut row = Row::with_capacity(expressions.len());
        let mut size = 0;
        for expression in expressions {
            let value = self.evaluate(expression)?;
            size += match &value {
                Some(Value::Text(text)) => text.len(),
                _ => 0,
            };
            if size > MAX_ROW {
                return Err(too_much("a row of more than 256 KiB"));
            }
            row.push(value);
        }
        Ok(vec![row])
    }

    fn evaluate(&mut self, expression: &Expression) -> Result<Option<Value>, Report> {
        let text = |text: &str| Some(Value::Text(text.to_owned()));
        Ok(match expression {
            Expression::Null => None,
            Expression::Value(value) => Some(value.clone()),
            Expression::Version => text(&format!(
                "PostgreSQL {} (pgtls mock server {})",
                super::parameters::SERVER_VERSION,
                env!("CARGO_PKG_VERSION"),
            )),
            Expression::User => text(self.parameters.user()),
            Expression::Database => text(self.parameters.database()),
            Expression::Setting(name) => text(self.setting(name)?.1),
            Expression::SetConfig(name, value) => {
                self.set(name, value)?;
                text(value)
            }
        })
    }

    /// Sets a parameter, if there is memory for it.
    fn set(&mut self, name: &str, value: &str) -> Result<(), Report> {
        let size = self.parameters.size_with(name, value);
        self.parameters_held.resize(size).map_err(out_of_memory)?;
        let result = self.parameters.set(name, value);
        // Never more than was held for it.
        let _ = self.parameters_held.resize(self.parameters.size());
        result
    }

    fn show(&self, name: Option<&str>) -> Result<Vec<Row>, Report> {
        let text = |text: &str| Some(Value::Text(text.to_owned()));
        Ok(match name {
            Some(name) => vec![vec![text(self.setting(name)?.1)]],
            None => {
                let row = |(name, value)| vec![text(name), text(value), text("")];
                self.parameters.all().map(row).collect()
            }
        })
    }

    fn setting(&self, name: &str) -> Result<(&str, &str), Report> {
        self.parameters.show(name).ok_or_else(|| {
            Report::error("42704", format!("unrecognized configuration parameter \"{name}\""))
        })
    }
}

fn warn(code: &'static str, message: &str, out: &mut Vec<u8>) {
    let report = Report { severity: Severity::Warning, ..Report::error(code, message) };
    backend::notice_response(out, &report);
}
