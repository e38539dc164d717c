//! Prepared statements and portals.

use std::{collections::VecDeque, sync::Arc};

use super::{
    command::Command,
    rows::{Field, Row},
};
use crate::{budget::Held, protocol::frontend::Format};

/// A prepared statement; portals share it.
#[derive(Debug)]
pub(super) struct Prepared {
    /// `None` for a text without a statement.
    pub(super) command: Option<Command>,
    /// The types of its parameters, by their oids.
    pub(super) parameters: Vec<u32>,
    /// Its columns, if it gives rows.
    pub(super) fields: Option<Vec<Field>>,
    /// What it holds of the account.
    pub(super) _held: Held,
}

/// A statement with its parameters.
#[derive(Debug)]
pub(super) struct Portal {
    pub(super) prepared: Arc<Prepared>,
    pub(super) formats: Vec<Format>,
    /// The first parameter, where it may be an oid.
    pub(super) parameter: Option<u32>,
    pub(super) progress: Progress,
    /// What it holds of the account.
    pub(super) held: Held,
}

/// How far a portal has run.
#[derive(Debug)]
pub(super) enum Progress {
    New,
    /// Rows that are still to be fetched.
    Suspended(VecDeque<Row>),
    Done,
}

impl Portal {
    /// The format of a column: one given for each, one for all, or text.
    pub(super) fn format(&self, column: usize) -> Format {
        match self.formats.as_slice() {
            [] => Format::Text,
            [format] => *format,
            formats => formats.get(column).copied().unwrap_or(Format::Text),
        }
    }
}
