//! One run: what it asked, and what came out.

use std::{collections::HashSet, fmt, str::FromStr};

use pgtls_mock_server::Seed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{cell::CellResult, schema::of_schema, stack::Stack};
use crate::{
    Suite, Texts, Written,
    error::{Error, Kind},
    reference::{ParseVersionError, Version},
};

/// The version of the results' schema.
pub const SCHEMA: u32 = 1;

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Results {
    /// The version of this schema, 1.
    pub schema: u32,
    /// The tool and its version.
    pub tool: String,
    /// The libpq that the reference stood for.
    pub reference: Written<Libpq>,
    /// The suite's name.
    pub suite: Written<Suite>,
    /// What all chance came from.
    pub seed: Written<Seed>,
    /// The stacks that were asked for.
    pub stacks: Vec<Stack>,
    /// The cells, in the order of stacks and of the suite.
    pub cells: Vec<CellResult>,
}

/// The libpq that a reference stands for; its text is `libpq 18`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Libpq(pub Version);

impl fmt::Display for Libpq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "libpq {}", self.0)
    }
}

impl FromStr for Libpq {
    type Err = ParseVersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix("libpq ").unwrap_or_default().parse().map(Self)
    }
}

impl Results {
    /// Reads results.
    ///
    /// # Errors
    ///
    /// If the text is not the results' JSON, or of another schema, or a stack or a cell stands in it
    /// twice.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        let results: Self = of_schema(text, "results", SCHEMA)?;
        let stacks = results.stacks.iter().map(|stack| stack.name.as_str());
        let cells = results.cells.iter().map(|cell| cell.id.as_str());
        match first_twice(stacks).or_else(|| first_twice(cells)) {
            Some(twice) => Err(Kind::StandsTwice(twice.to_owned()).into()),
            None => Ok(results),
        }
    }
}

fn first_twice<'a>(mut names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut known = HashSet::new();
    names.find(|name| !known.insert(*name))
}

impl Texts for Results {
    fn texts(&mut self, each: &mut dyn FnMut(&mut String)) {
        let Self { schema: _, tool, reference, suite, seed, stacks, cells } = self;
        each(tool);
        reference.texts(each);
        suite.texts(each);
        seed.texts(each);
        stacks.texts(each);
        cells.texts(each);
    }
}

#[cfg(test)]
impl Results {
    /// Results that hold these cells and say nothing else.
    pub(crate) fn of(cells: Vec<CellResult>) -> Self {
        Self {
            schema: SCHEMA,
            tool: String::new(),
            reference: Libpq(Version::default()).into(),
            suite: Suite::default().into(),
            seed: Seed::new(0).into(),
            stacks: Vec::new(),
            cells,
        }
    }
}
