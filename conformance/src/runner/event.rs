//! What a run tells, as it goes on, and the results as its fold.

use std::collections::BTreeMap;

use pgtls_mock_server::Seed;

use super::plan::Plan;
use crate::results::{CellResult, Libpq, Results, SCHEMA, Stack};

/// What a run tells, in the order in which it happens.
///
/// Cells are numbered from 0 on in the order of stacks and of the suite, which is that of the
/// results.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The stacks have said who they are; so many cells will run. The first event of a run.
    Begun {
        /// The stacks, those that cannot run included.
        stacks: Vec<Stack>,
        /// The number of cells.
        cells: usize,
    },
    /// A cell has begun.
    Started {
        /// The cell's number.
        number: usize,
        /// The cell's id.
        id: String,
    },
    /// A cell is done.
    Finished {
        /// The cell's number.
        number: usize,
        /// What came of it.
        result: Box<CellResult>,
    },
    /// What was told of a cell does not hold: it was asked again, or its client's process did
    /// something behind its answer.
    Amended {
        /// The cell's number.
        number: usize,
        /// What holds in its place.
        result: Box<CellResult>,
    },
}

/// The results so far: the fold of a run's events.
///
/// Whatever events are missing, because the run was interrupted or still goes on, the results hold
/// those cells that are done.
#[derive(Debug, Clone)]
pub struct PartialResults {
    /// All but the cells.
    run: Results,
    cells: BTreeMap<usize, CellResult>,
}

impl PartialResults {
    /// Those of a run of that plan and seed of which nothing is known yet.
    #[must_use]
    pub fn new(plan: &Plan, seed: Seed) -> Self {
        let run = Results {
            schema: SCHEMA,
            tool: concat!("pgtls ", env!("CARGO_PKG_VERSION")).to_owned(),
            reference: Libpq(plan.version).into(),
            suite: plan.suite.into(),
            seed: seed.into(),
            stacks: Vec::new(),
            cells: Vec::new(),
        };
        Self { run, cells: BTreeMap::new() }
    }

    /// Takes an event in.
    pub fn apply(&mut self, event: Event) {
        match event {
            Event::Begun { stacks, .. } => self.run.stacks = stacks,
            Event::Started { .. } => {}
            Event::Finished { number, result } | Event::Amended { number, result } => {
                self.cells.insert(number, *result);
            }
        }
    }

    /// The results, their cells in the order of stacks and of the suite.
    #[must_use]
    pub fn into_results(self) -> Results {
        Results { cells: self.cells.into_values().collect(), ..self.run }
    }
}

#[cfg(test)]
mod tests {
    use pgtls_mock_server::trace::Trace;

    use super::*;
    use crate::{Cell, Suite, axes::Axes, judge::Conformance, reference::Version};

    fn cell(stack: &str, conformance: Conformance) -> Box<CellResult> {
        let cell = Cell { stack: stack.to_owned(), axes: Axes::default() };
        Box::new(CellResult { conformance, ..CellResult::unasked(&cell, Trace::default()) })
    }

    #[test]
    fn results_are_the_fold_of_events() {
        let plan = Plan {
            stacks: Vec::new(),
            suite: Suite::Core,
            filters: Vec::new(),
            shard: None,
            version: Version::default(),
            jobs: 1,
        };
        let mut results = PartialResults::new(&plan, Seed::new(7));
        let started = |number| Event::Started { number, id: number.to_string() };
        for event in [
            Event::Begun { stacks: Vec::new(), cells: 3 },
            started(1),
            started(0),
            started(2),
            Event::Finished { number: 1, result: cell("one", Conformance::Agrees) },
            Event::Finished { number: 0, result: cell("nought", Conformance::Weaker) },
            Event::Amended { number: 1, result: cell("one", Conformance::Crash) },
        ] {
            results.apply(event);
        }
        let results = results.into_results();
        let cells: Vec<_> =
            results.cells.iter().map(|cell| (cell.stack.as_str(), cell.conformance)).collect();
        assert_eq!(cells, [("nought", Conformance::Weaker), ("one", Conformance::Crash)]);
        assert_eq!(results.suite, Suite::Core);
    }
}
