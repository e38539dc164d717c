//! The runner: many cells over many stacks, several side by side.

mod blank;
mod cell;
mod environment;
mod heartbeat;
mod lanes;
mod means;
mod open;
mod pool;
mod run;
mod scrub;
mod stack;
mod subject;
mod support;

use std::sync::Arc;

use tokio::sync::watch;

use self::stack::{Stack, Unfit};
pub use self::{
    cell::CellRun,
    environment::{TestEnvironment, TestEnvironmentError},
    means::Shortage,
    run::run,
    stack::StackSpec,
    subject::Subject,
};
use crate::{Cell, Filter, Suite, axes::Axes, reference::Version, results::CellResult};

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

/// What a run tells while it goes on.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Progress {
    /// The stacks have said who they are; so many cells will run.
    Begun {
        /// The number of cells.
        cells: usize,
    },
    /// A cell has begun.
    Started(String),
    /// A cell is done.
    Done(Box<CellResult>),
}

/// A switch that ends a run early.
#[derive(Debug, Clone)]
pub struct Interrupt(watch::Sender<bool>);

impl Default for Interrupt {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Interrupt {
    /// Ends the run: no further cell begins, those that run are given up.
    pub fn trigger(&self) {
        self.0.send_replace(true);
    }

    /// Whether it was triggered.
    #[must_use]
    pub fn is_triggered(&self) -> bool {
        *self.0.borrow()
    }

    async fn triggered(&self) {
        let mut receiver = self.0.subscribe();
        // The sender is ours, so it cannot be gone.
        let _ = receiver.wait_for(|triggered| *triggered).await;
    }
}

impl Plan {
    /// The plan's cells without those of stacks that could not run, in order.
    fn cells(&self, stacks: &[Arc<Stack>]) -> Vec<(Arc<Stack>, Axes)> {
        let suite = self.suite.cells();
        // Those of a stack that the tool could not start are told to be inconclusive.
        let has_cells = |stack: &&Arc<Stack>| !matches!(stack.ready, Err(Unfit::Own(_)));
        let all = stacks.iter().filter(has_cells).flat_map(|stack| {
            suite.iter().filter_map(|axes| {
                let cell = Cell { stack: stack.name.clone(), axes: axes.clone() };
                let taken = self.filters.is_empty()
                    || self.filters.iter().any(|filter| filter.matches(&cell));
                taken.then(|| (Arc::clone(stack), cell.axes))
            })
        });
        match self.shard {
            Some((k, n)) => all.skip(k.saturating_sub(1)).step_by(n.max(1)).collect(),
            None => all.collect(),
        }
    }
}
