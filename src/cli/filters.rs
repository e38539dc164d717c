//! `--filter`: which cells a command means.

use clap::Args;
use pgtls_conformance::{Cell, Filter, Suite};

/// The filters of a command.
#[derive(Debug, Clone, Args)]
pub(super) struct FiltersArgs {
    /// Cells that fit: axis=value,…; a comma is *and*, several filters are *or*
    #[arg(long = "filter", value_name = "E")]
    pub(super) filters: Vec<Filter>,
}

impl FiltersArgs {
    /// The suite's cells of this stack that fit.
    pub(super) fn cells(&self, stack: &str, suite: Suite) -> impl Iterator<Item = Cell> {
        let cells = suite.cells().into_iter();
        let cells = cells.map(|axes| Cell { stack: stack.to_owned(), axes });
        cells.filter(|cell| {
            self.filters.is_empty() || self.filters.iter().any(|filter| filter.matches(cell))
        })
    }
}
