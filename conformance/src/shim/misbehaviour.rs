//! What a shim does that nobody had asked for.

use std::io;

use super::{
    message::Response,
    output::{parse, shorten},
};

/// What a shim did that nobody had asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misbehaviour {
    /// What it was.
    pub how: String,
    /// The question that it answered again or late, if it is one's answer.
    pub answered: Option<u64>,
}

impl Misbehaviour {
    pub(super) fn plain(how: impl Into<String>) -> Self {
        Self { how: how.into(), answered: None }
    }

    /// Something on stdout that nobody had asked for.
    pub(super) fn of(line: io::Result<Vec<u8>>) -> Self {
        let line = match line {
            Ok(line) => line,
            Err(error) => return Self::plain(error.to_string()),
        };
        let answered = match parse(&line) {
            Ok(Response::Result(answer)) => Some(answer.id),
            _ => None,
        };
        Self { how: format!("spoke unasked: `{}`", shorten(&line)), answered }
    }
}
