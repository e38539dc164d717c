//! A cell: one stack and one value of every axis.

use std::{fmt, str::FromStr};

use crate::axes::{Axes, AxesError, Term};

/// One stack with one value of every axis. Its text is its id.
///
/// ```
/// use pgtls_conformance::Cell;
///
/// let cell: Cell = "pgtls/rustls:certificate=expired,sslmode=require".parse()?;
/// assert_eq!(cell.stack, "pgtls/rustls");
/// assert_eq!(Cell { axes: Default::default(), ..cell }.to_string(), "pgtls/rustls:default");
/// # Ok::<(), pgtls_conformance::CellError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cell {
    /// The stack's name.
    pub stack: String,
    /// The settings.
    pub axes: Axes,
}

/// A text that is no cell's id, or no filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CellError {
    /// No stack in front.
    #[error("wanted STACK:axis=value,…, got `{0}`")]
    NoStack(String),
    /// The terms are wrong.
    #[error(transparent)]
    Axes(#[from] AxesError),
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.stack, self.axes)
    }
}

impl FromStr for Cell {
    type Err = CellError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some((stack, terms)) if !stack.is_empty() => {
                Ok(Self { stack: stack.to_owned(), axes: terms.parse()? })
            }
            _ => Err(CellError::NoStack(text.to_owned())),
        }
    }
}

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
/// # Ok::<(), pgtls_conformance::CellError>(())
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
    type Err = CellError;

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
