//! Choosing among cells.

use std::str::FromStr;

use crate::{
    axes::{Axes, Term},
    cell::Cell,
    error::Error,
};

/// Which cells to take: a comma is *and*; several filters are *or*.
///
/// A filter is a cell's id with or without the stack, so an id finds its own cell and all those
/// that share its terms.
///
/// ```
/// use pgtls_conformance::{Cell, Filter};
///
/// let filter: Filter = "certificate=expired,sslmode=require".parse()?;
/// assert!(filter.matches(&"libpq/psql:certificate=expired,sslmode=require,host=127.0.0.1".parse()?));
/// assert!(!filter.matches(&"libpq/psql:sslmode=require".parse()?));
/// # Ok::<(), pgtls_conformance::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    stack: Option<String>,
    terms: Terms,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Terms {
    Default,
    All(Vec<Term>),
}

impl Filter {
    /// Whether the filter takes that cell.
    #[must_use]
    pub fn matches(&self, cell: &Cell) -> bool {
        self.stack.as_ref().is_none_or(|stack| *stack == cell.stack)
            && self.matches_axes(&cell.axes)
    }

    /// Whether the filter takes a cell of some stack with these settings.
    #[must_use]
    pub fn matches_axes(&self, axes: &Axes) -> bool {
        match &self.terms {
            Terms::Default => *axes == Axes::default(),
            Terms::All(terms) => terms.iter().all(|term| term.matches(axes)),
        }
    }
}

impl FromStr for Filter {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // A host such as ::1 has colons too, but stands behind an equals sign.
        let (stack, terms) = match text.split_once(':') {
            Some((stack, terms)) if !stack.contains('=') => (Some(stack.to_owned()), terms),
            _ => (None, text),
        };
        let terms = match terms {
            "default" => Terms::Default,
            "" if stack.is_some() => Terms::All(Vec::new()),
            terms => Terms::All(terms.split(',').map(str::parse).collect::<Result<_, _>>()?),
        };
        Ok(Self { stack, terms })
    }
}
