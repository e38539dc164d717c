//! What to run.

use super::spec::StackSpec;
use crate::{Cell, Filter, Suite, axes::Axes, reference::Version};

/// What to run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The stacks.
    pub stacks: Vec<StackSpec>,
    /// The suite.
    pub suite: Suite,
    /// Cells that any of these takes; all, if there are none.
    pub filters: Vec<Filter>,
    /// Every N-th cell, from the K-th on: `(K, N)`, K from 1 to N.
    pub shard: Option<(usize, usize)>,
    /// The libpq that the reference stands for.
    pub version: Version,
    /// How many cells run side by side, those that wait on silence aside.
    pub jobs: usize,
}

impl Plan {
    /// The plan's cells of these stacks, in order; each stack by its place.
    pub(super) fn cells<'a>(
        &self,
        stacks: impl Iterator<Item = (usize, &'a str)>,
    ) -> Vec<(usize, Axes)> {
        let suite = self.suite.cells();
        let all = stacks.flat_map(|(place, name)| {
            suite.iter().filter_map(move |axes| {
                let cell = Cell { stack: name.to_owned(), axes: axes.clone() };
                let taken = self.filters.is_empty()
                    || self.filters.iter().any(|filter| filter.matches(&cell));
                taken.then_some((place, cell.axes))
            })
        });
        match self.shard {
            Some((k, n)) => all.skip(k.saturating_sub(1)).step_by(n.max(1)).collect(),
            None => all.collect(),
        }
    }
}
