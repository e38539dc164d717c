//! Extended query: prepared statements, portals, and what is answered to each message.

use std::{collections::VecDeque, sync::Arc};

use super::{
    MAX_REMEMBERED, REMEMBERED, Session, out_of_memory,
    run::{Field, Ran, Row, describe, rows_tag, send},
    select::SelectColumn,
    statement::{self, Command, Statement},
    too_much,
    types::Value,
};
use crate::{
    budget::Held,
    protocol::{
        backend::{self, Report},
        frontend::{Bind, Format, Target},
    },
};

/// What a column of a statement costs: its name, its expression, its description.
const COLUMN: usize = size_of::<SelectColumn>() + size_of::<Field>() + 160;

/// A prepared statement; portals share it.
#[derive(Debug)]
pub(super) struct Prepared {
    /// `None` for a text without a statement.
    command: Option<Command>,
    /// The types of its parameters, by their oids.
    parameters: Vec<u32>,
    /// Its columns, if it gives rows.
    fields: Option<Vec<Field>>,
    /// What it holds of the account.
    _held: Held,
}

/// A statement with its parameters.
#[derive(Debug)]
pub(super) struct Portal {
    prepared: Arc<Prepared>,
    formats: Vec<Format>,
    state: State,
    /// What it holds of the account.
    held: Held,
}

/// How far a portal has run.
#[derive(Debug)]
enum State {
    New,
    /// Rows that are still to be fetched.
    Suspended(VecDeque<Row>),
    Done,
}

fn size_of_value(value: &Option<Value>) -> usize {
    let text = match value {
        Some(Value::Text(text)) => text.len(),
        _ => 0,
    };
    size_of_val(value) + text
}

/// 26000.
pub(super) fn no_statement(name: &str) -> Report {
    Report::error(
        "26000",
        match name {
            "" => "unnamed prepared statement does not exist".to_owned(),
            name => format!("prepared statement \"{name}\" does not exist"),
        },
    )
}

fn no_portal(name: &str) -> Report {
    Report::error("34000", format!("portal \"{name}\" does not exist"))
}

fn protocol_violation(message: String) -> Report {
    Report::error("08P01", message)
}

impl Portal {
    /// The format of a column: one given for each, one for all, or text.
    fn format(&self, column: usize) -> Format {
        match self.formats.as_slice() {
            [] => Format::Text,
            [format] => *format,
            formats => formats.get(column).copied().unwrap_or(Format::Text),
        }
    }
}

impl Session {
    pub(super) fn parse(
        &mut self,
        name: &str,
        query: &str,
        types: Vec<u32>,
        out: &mut Vec<u8>,
    ) -> Result<(), Report> {
        let statement = statement::single(query).map_err(|report| self.refuse_if_failed(report))?;
        let (command, mut parameters) = match statement {
            Some(Statement { command, parameters }) => (Some(command), parameters),
            None => (None, Vec::new()),
        };
        if let Some(command) = &command {
            self.check_transaction(command)?;
        }
        if !name.is_empty() && self.prepared.contains_key(name) {
            return Err(Report::error(
                "42P05",
                format!("prepared statement \"{name}\" already exists"),
            ));
        }
        if self.prepared.len() >= MAX_REMEMBERED && !self.prepared.contains_key(name) {
            return Err(too_much("prepared statements"));
        }
        for (index, oid) in types.into_iter().enumerate() {
            match parameters.get_mut(index) {
                Some(_) if oid == 0 => {}
                Some(own) => *own = oid,
                None => parameters.push(oid),
            }
        }
        parameters.shrink_to_fit();
        let fields = match &command {
            Some(command) => self.fields(command)?,
            None => None,
        };
        let columns = fields.as_ref().map_or(0, Vec::len) * COLUMN;
        // No text of the statement is kept more than once.
        let size =
            REMEMBERED + name.len() + query.len() + columns + parameters.len() * size_of::<u32>();
        let held = self.account.hold(size).map_err(out_of_memory)?;
        let prepared = Arc::new(Prepared { command, parameters, fields, _held: held });
        self.prepared.insert(name.to_owned(), prepared);
        backend::parse_complete(out);
        Ok(())
    }

    pub(super) fn bind(&mut self, bind: Bind, out: &mut Vec<u8>) -> Result<(), Report> {
        let prepared =
            self.prepared.get(&bind.statement).ok_or_else(|| no_statement(&bind.statement))?;
        let (given, wanted) = (bind.parameters, prepared.parameters.len());
        let formats = bind.parameter_formats.len();
        if formats > 1 && formats != given {
            return Err(protocol_violation(format!(
                "bind message has {formats} parameter formats but {given} parameters"
            )));
        }
        if given != wanted {
            let name = &bind.statement;
            return Err(protocol_violation(format!(
                "bind message supplies {given} parameters, but prepared statement \"{name}\" \
                 requires {wanted}"
            )));
        }
        let columns = prepared.fields.as_ref().map_or(0, Vec::len);
        let formats = bind.result_formats.len();
        if formats > 1 && formats != columns {
            return Err(protocol_violation(format!(
                "bind message has {formats} result formats but query has {columns} columns"
            )));
        }
        if let Some(command) = &prepared.command {
            self.check_transaction(command)?;
        }
        if !bind.portal.is_empty() && self.portals.contains_key(&bind.portal) {
            let name = &bind.portal;
            return Err(Report::error("42P03", format!("cursor \"{name}\" already exists")));
        }
        if self.portals.len() >= MAX_REMEMBERED && !self.portals.contains_key(&bind.portal) {
            return Err(too_much("portals"));
        }
        let size = REMEMBERED + bind.portal.len() + bind.result_formats.len();
        let portal = Portal {
            prepared: Arc::clone(prepared),
            formats: bind.result_formats,
            state: State::New,
            held: self.account.hold(size).map_err(out_of_memory)?,
        };
        self.portals.insert(bind.portal, portal);
        backend::bind_complete(out);
        Ok(())
    }

    pub(super) fn describe(&self, target: &Target, out: &mut Vec<u8>) -> Result<(), Report> {
        match target {
            Target::Statement(name) => {
                let prepared = self.prepared.get(name).ok_or_else(|| no_statement(name))?;
                backend::parameter_description(out, &prepared.parameters, None);
                match &prepared.fields {
                    Some(fields) => describe(fields, |_| Format::Text, out),
                    None => backend::no_data(out),
                }
            }
            Target::Portal(name) => {
                let portal = self.portals.get(name).ok_or_else(|| no_portal(name))?;
                match &portal.prepared.fields {
                    Some(fields) => describe(fields, |column| portal.format(column), out),
                    None => backend::no_data(out),
                }
            }
        }
        Ok(())
    }

    /// Runs a portal, or goes on with it. As in PostgreSQL it is suspended when the limit is
    /// reached, even if that row was the last.
    pub(super) fn execute(
        &mut self,
        name: &str,
        max_rows: i32,
        out: &mut Vec<u8>,
    ) -> Result<(), Report> {
        let portal = self.portals.get_mut(name).ok_or_else(|| no_portal(name))?;
        let prepared = Arc::clone(&portal.prepared);
        let state = std::mem::replace(&mut portal.state, State::Done);
        let Some(command) = &prepared.command else {
            backend::empty_query_response(out);
            return Ok(());
        };
        self.check_transaction(command)?;
        let mut rows = match state {
            State::New => match self.run(command, out)? {
                Ran::Rows(rows) => rows.into(),
                Ran::Command(tag) => {
                    backend::command_complete(out, tag);
                    return Ok(());
                }
            },
            State::Suspended(rows) => rows,
            State::Done if prepared.fields.is_some() => VecDeque::new(),
            State::Done => {
                return Err(Report::error("55000", format!("portal \"{name}\" cannot be run")));
            }
        };
        let fields = prepared.fields.as_deref().unwrap_or_default();
        // Running it may have ended the transaction, and the portal with it: then it has no rows.
        let Some(portal) = self.portals.get_mut(name) else { return Ok(()) };
        let limit = usize::try_from(max_rows).ok().filter(|&limit| limit > 0);
        let batch = rows.len().min(limit.unwrap_or(usize::MAX));
        for row in rows.drain(..batch) {
            send(&row, fields, |column| portal.format(column), out);
        }
        if Some(batch) == limit {
            let kept = rows.iter().flatten().map(size_of_value).sum::<usize>();
            portal.held.resize(REMEMBERED + kept).map_err(out_of_memory)?;
            portal.state = State::Suspended(rows);
            backend::portal_suspended(out);
        } else {
            backend::command_complete(out, &rows_tag(command, batch));
        }
        Ok(())
    }

    pub(super) fn close(&mut self, target: &Target, out: &mut Vec<u8>) {
        match target {
            Target::Statement(name) => {
                self.prepared.remove(name);
            }
            Target::Portal(name) => {
                self.portals.remove(name);
            }
        }
        backend::close_complete(out);
    }
}
