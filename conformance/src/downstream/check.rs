//! The suite of cells, for a driver's own tests.

use std::{num::NonZeroUsize, thread};

use pgtls_mock_server::Seed;

use super::{failure::Failure, here, told};
use crate::{
    Filter, Suite,
    baseline::{Baseline, Finding},
    judge::Conformance,
    reference::Version,
    results::Results,
    runner::{self, Driver, Interrupt, Plan, StackSpec, TestEnvironment},
};

/// Drives a driver through the core suite, every mode against every server, and judges each cell: by
/// libpq, and by the safety invariants.
///
/// ```no_run
/// # use pgtls_conformance::{runner::{Driver, Network}, shim::{Connect, Hello, Outcome}};
/// # struct MyDriver;
/// # impl Driver for MyDriver {
/// #     fn hello(&self) -> Hello { Hello::new("my-driver", "1.0") }
/// #     async fn connect(&self, _: &Connect, _: &Network) -> Outcome {
/// #         Outcome::unsupported("an example")
/// #     }
/// # }
/// # const KNOWN: &str = "[]";
/// # let baseline = pgtls_conformance::baseline::Baseline::from_json(KNOWN).expect("a baseline");
/// pgtls_conformance::check(MyDriver).baseline(baseline).assert();
/// ```
pub fn check(driver: impl Driver) -> Check {
    let name = driver.hello().name;
    Check {
        spec: StackSpec::in_process(name, driver),
        suite: Suite::Core,
        filters: Vec::new(),
        baseline: Baseline::default(),
        safety_alone: false,
        seed: None,
        jobs: thread::available_parallelism().map_or(1, NonZeroUsize::get),
    }
}

/// A driver's way through a suite; see [`check`].
#[derive(Debug, Clone)]
#[must_use = "nothing is checked before `assert` or `run`"]
pub struct Check {
    spec: StackSpec,
    suite: Suite,
    filters: Vec<Filter>,
    baseline: Baseline,
    safety_alone: bool,
    seed: Option<Seed>,
    jobs: usize,
}

impl Check {
    /// Another suite than [`Suite::Core`].
    pub const fn suite(mut self, suite: Suite) -> Self {
        self.suite = suite;
        self
    }

    /// The cells that this takes, or another filter that was given; all of the suite without one.
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }

    /// Findings that are known, each with its reason: they do not count, and one that is gone does.
    pub fn baseline(mut self, baseline: Baseline) -> Self {
        self.baseline = baseline;
        self
    }

    /// That libpq does otherwise is no finding: the invariants alone are.
    pub const fn safety_alone(mut self) -> Self {
        self.safety_alone = true;
        self
    }

    /// Where all chance comes from; without it the environment's `PGTLS_SEED`, or a seed that is drawn
    /// and told.
    pub const fn seed(mut self, seed: Seed) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Fails the test with what was found.
    ///
    /// # Panics
    ///
    /// If there is a finding, or nothing could be found out; with the [`Failure`]'s words.
    #[track_caller]
    pub fn assert(self) {
        if let Err(failure) = self.run() {
            panic!("{failure:?}");
        }
    }

    /// Runs every cell, and tells the results. The environment's `PGTLS_FILTER` narrows it down.
    ///
    /// # Errors
    ///
    /// If there is a finding, or nothing could be found out.
    pub fn run(mut self) -> Result<Results, Failure> {
        let seed = self.seed.map_or_else(here::seed, Ok)?;
        let narrower = here::filters()?;
        if !narrower.is_empty() {
            self.filters = narrower;
        }
        let plan = Plan {
            stacks: vec![self.spec.clone()],
            suite: self.suite,
            filters: self.filters.clone(),
            shard: None,
            version: Version::default(),
            jobs: self.jobs,
        };
        let environment = TestEnvironment::new(seed)?;
        let results = here::to_its_end(|| async {
            runner::run(&plan, &environment, &Interrupt::default()).await
        })?;
        self.judged(results, seed)
    }

    fn judged(&self, results: Results, seed: Seed) -> Result<Results, Failure> {
        let name = self.spec.name().to_owned();
        let never = |reason: String| Failure::CannotRun { name: name.clone(), reason };
        if let Some(reason) = results.stacks.iter().find_map(|stack| stack.could_not_run.clone()) {
            return Err(never(reason));
        }
        let measured = |conformance: Conformance| conformance.is_measured();
        let cells = results.cells.iter().filter(|cell| measured(cell.conformance)).count();
        if cells == 0 {
            return Err(never("it supports none of these cells".to_owned()));
        }
        let findings = self.findings(&results);
        if findings.is_empty() {
            return Ok(results);
        }
        let only = findings.iter().find_map(|finding| match finding {
            Finding::Cell(cell) | Finding::Changed(cell, _) => Some(told::settings(cell)),
            Finding::Stale(_) => None,
        });
        let mut text = format!("{name}: {} findings in {cells} cells\n", findings.len());
        text.push_str(&told::findings(&findings));
        text.push_str(&format!("\nagain:    {}\n", here::again(seed, None)));
        if only.is_some() {
            text.push_str(&format!("one cell: {}\n", here::again(seed, only.as_deref())));
        }
        Err(Failure::Findings(text))
    }

    fn findings<'a>(&'a self, results: &'a Results) -> Vec<Finding<'a>> {
        let mut findings = self.baseline.findings(results);
        if self.safety_alone {
            findings.retain(|finding| match finding {
                Finding::Cell(cell) | Finding::Changed(cell, _) => !cell.safety.is_empty(),
                Finding::Stale(entry) => !entry.safety.is_empty(),
            });
        }
        findings
    }
}
