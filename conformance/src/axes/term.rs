//! One axis with one value, as a text.

use std::str::FromStr;

use super::{settings::Axes, table::Axis};
use crate::error::{Error, Kind};

/// One term, `axis=value`, both known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Term {
    pub(crate) axis: &'static str,
    pub(crate) value: String,
}

impl FromStr for Term {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = text.split_once('=').ok_or_else(|| Kind::NoTerm(text.to_owned()))?;
        let axis = Axis::known(name.trim_start_matches("--"))?;
        axis.check(value)?;
        Ok(Self { axis: axis.name, value: value.to_owned() })
    }
}

impl Term {
    pub(crate) fn matches(&self, axes: &Axes) -> bool {
        Axis::named(self.axis).is_some_and(|axis| axis.value(axes) == self.value)
    }
}
