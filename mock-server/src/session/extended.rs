//! Extended query: what is answered to each message about prepared statements and portals.

use std::{collections::VecDeque, sync::Arc};

use super::{
    column::SelectColumn,
    limits::{MAX_REMEMBERED, REMEMBERED},
    prepared::{Portal, Prepared, Progress},
    refusal::{no_portal, no_statement, out_of_memory, protocol_violation, too_much},
    rows::{Field, describe, send},
    run::{Ran, rows_tag},
    state::State,
    statement::{self, Statement},
    value::Value,
};
use crate::protocol::{
    backend,
    frontend::{Bind, Format, Target},
    report::Report,
};

/// What a column of a statement costs: its name, its expression, its description.
const COLUMN: usize = size_of::<SelectColumn>() + size_of::<Field>() + 160;

fn size_of_value(value: &Option<Value>) -> usize {
    size_of_val(value) + value.as_ref().map_or(0, Value::size)
}

impl State {
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
            parameter: bind.oid,
            progress: Progress::New,
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
        let parameter = portal.parameter;
        let progress = std::mem::replace(&mut portal.progress, Progress::Done);
        let Some(command) = &prepared.command else {
            backend::empty_query_response(out);
            return Ok(());
        };
        self.check_transaction(command)?;
        let mut rows = match progress {
            Progress::New => match self.run(command, parameter, out)? {
                Ran::Rows(rows) => rows.into(),
                Ran::Command(tag) => {
                    backend::command_complete(out, tag);
                    return Ok(());
                }
            },
            Progress::Suspended(rows) => rows,
            Progress::Done if prepared.fields.is_some() => VecDeque::new(),
            Progress::Done => {
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
            portal.progress = Progress::Suspended(rows);
            backend::portal_suspended(out);
        } else {
            backend::command_complete(out, rows_tag(command, batch));
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
