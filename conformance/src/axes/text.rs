//! Axes by their names, and as the text that stands in a cell's id.

use std::{fmt, str::FromStr};

use super::{
    settings::Axes,
    table::{AXES, Axis},
    term::Term,
};
use crate::error::{Error, Kind};

impl Axes {
    /// Sets one axis by name.
    ///
    /// # Errors
    ///
    /// If there is no such axis, or it has no such value.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), Error> {
        let axis = Axis::known(name)?;
        Ok((axis.set)(self, value)?)
    }

    /// Every axis with its value, in the table's order.
    pub fn values(&self) -> impl Iterator<Item = (&'static str, &str)> {
        AXES.iter().map(|axis| (axis.name, axis.value(self)))
    }
}

/// The terms of the axes that differ from their default, or `default`.
impl fmt::Display for Axes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let default = Self::default();
        let mut differing =
            self.values().zip(default.values()).filter(|(own, other)| own != other).peekable();
        if differing.peek().is_none() {
            return f.write_str("default");
        }
        for (index, ((name, value), _)) in differing.enumerate() {
            write!(f, "{}{name}={value}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl FromStr for Axes {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut axes = Self::default();
        if text == "default" {
            return Ok(axes);
        }
        let mut seen = Vec::new();
        for term in text.split(',') {
            let term: Term = term.parse()?;
            if seen.contains(&term.axis) {
                return Err(Kind::AxisTwice(term.axis).into());
            }
            axes.set(term.axis, &term.value)?;
            seen.push(term.axis);
        }
        Ok(axes)
    }
}
