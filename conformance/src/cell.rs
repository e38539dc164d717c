//! A cell: one stack and one value of every axis.

use std::{fmt, str::FromStr};

use crate::{
    axes::Axes,
    error::{Error, Kind},
};

/// One stack with one value of every axis. Its text is its id.
///
/// ```
/// use pgtls_conformance::Cell;
///
/// let cell: Cell = "pgtls/rustls:certificate=expired,sslmode=require".parse()?;
/// assert_eq!(cell.stack, "pgtls/rustls");
/// assert_eq!(Cell { axes: Default::default(), ..cell }.to_string(), "pgtls/rustls:default");
/// # Ok::<(), pgtls_conformance::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cell {
    /// The stack's name.
    pub stack: String,
    /// The settings.
    pub axes: Axes,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.stack, self.axes)
    }
}

impl FromStr for Cell {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some((stack, terms)) if !stack.is_empty() => {
                Ok(Self { stack: stack.to_owned(), axes: terms.parse()? })
            }
            _ => Err(Kind::NoStack(text.to_owned()).into()),
        }
    }
}
