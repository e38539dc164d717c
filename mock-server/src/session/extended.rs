//! Extended query: prepared statements, portals, and what is answered to each message.

use std::{collections::VecDeque, sync::Arc};

use super::{
    MAX_REMEMBERED, Session,
    run::{Field, Ran, Row, describe, rows_tag, send},
    statement::{self, Statement},
    too_much,
};
use crate::protocol::{
    backend::{self, Report},
    frontend::{Bind, Format, Target},
};

/// A prepared statement.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    /// `None` for a text without a statement.
    statement: Option<Arc<Statement>>,
    /// The types of its parameters, by their oids.
    parameters: Vec<u32>,
    /// Its columns, if it gives rows.
    fields: Option<Arc<[Field]>>,
}

/// A statement with its parameters.
#[derive(Debug)]
pub(super) struct Portal {
    prepared: Prepared,
    formats: Vec<Format>,
    state: State,
}

/// How far a portal has run.
#[derive(Debug)]
enum State {
    New,
    /// Rows that are still to be fetched.
    Suspended(VecDeque<Row>),
    Done,
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
        types: &[u32],
        out: &mut Vec<u8>,
    ) -> Result<(), Report> {
        let mut statements =
            statement::parse(query).map_err(|report| self.refuse_if_failed(report))?;
        if statements.len() > 1 {
            return Err(Report::error(
                "42601",
                "cannot insert multiple commands into a prepared statement",
            ));
        }
        let statement = statements.pop().map(Arc::new);
        if let Some(statement) = &statement {
            self.check_transaction(&statement.command)?;
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
        let mut parameters =
            statement.as_ref().map(|statement| statement.parameters.clone()).unwrap_or_default();
        for (index, &oid) in types.iter().enumerate() {
            match parameters.get_mut(index) {
                Some(_) if oid == 0 => {}
                Some(own) => *own = oid,
                None => parameters.push(oid),
            }
        }
        let fields = match &statement {
            Some(statement) => self.fields(&statement.command)?.map(Arc::from),
            None => None,
        };
        self.prepared.insert(name.to_owned(), Prepared { statement, parameters, fields });
        backend::parse_complete(out);
        Ok(())
    }

    pub(super) fn bind(&mut self, bind: &Bind, out: &mut Vec<u8>) -> Result<(), Report> {
        let prepared =
            self.prepared.get(&bind.statement).ok_or_else(|| no_statement(&bind.statement))?;
        let (given, wanted) = (bind.parameters.len(), prepared.parameters.len());
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
        let columns = prepared.fields.as_deref().map_or(0, <[Field]>::len);
        let formats = bind.result_formats.len();
        if formats > 1 && formats != columns {
            return Err(protocol_violation(format!(
                "bind message has {formats} result formats but query has {columns} columns"
            )));
        }
        if let Some(statement) = &prepared.statement {
            self.check_transaction(&statement.command)?;
        }
        if !bind.portal.is_empty() && self.portals.contains_key(&bind.portal) {
            let name = &bind.portal;
            return Err(Report::error("42P03", format!("cursor \"{name}\" already exists")));
        }
        if self.portals.len() >= MAX_REMEMBERED && !self.portals.contains_key(&bind.portal) {
            return Err(too_much("portals"));
        }
        let portal = Portal {
            prepared: prepared.clone(),
            formats: bind.result_formats.clone(),
            state: State::New,
        };
        self.portals.insert(bind.portal.clone(), portal);
        backend::bind_complete(out);
        Ok(())
    }

    pub(super) fn describe(&self, target: &Target, out: &mut Vec<u8>) -> Result<(), Report> {
        match target {
            Target::Statement(name) => {
                let prepared = self.prepared.get(name).ok_or_else(|| no_statement(name))?;
                backend::parameter_description(out, &prepared.parameters);
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
        let prepared = portal.prepared.clone();
        let state = std::mem::replace(&mut portal.state, State::Done);
        let Some(statement) = prepared.statement else {
            backend::empty_query_response(out);
            return Ok(());
        };
        let command = &statement.command;
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
        let fields = prepared.fields.unwrap_or_default();
        // Running it may have ended the transaction, and the portal with it: then it has no rows.
        let Some(portal) = self.portals.get_mut(name) else { return Ok(()) };
        let limit = usize::try_from(max_rows).ok().filter(|&limit| limit > 0);
        let batch = rows.len().min(limit.unwrap_or(usize::MAX));
        for row in rows.drain(..batch) {
            send(&row, &fields, |column| portal.format(column), out);
        }
        if Some(batch) == limit {
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
