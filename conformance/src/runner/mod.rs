//! The runner: many cells over many stacks, several side by side.

mod cell;
mod laboratory;
mod scrub;
mod stack;
mod support;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use pgtls_mock_server::RuleSpec;

use futures_util::{StreamExt as _, future::join_all, stream};
use tokio::sync::{mpsc, watch};

pub use self::{
    cell::CellRun,
    laboratory::{Laboratory, LaboratoryError},
    stack::StackSpec,
};
use self::{
    cell::Question,
    stack::{Amendment, Stack, lock},
};
use crate::{
    Cell, Filter, Suite,
    axes::{Axes, Reply},
    reference::Version,
    results::{CellResult, Results, SCHEMA},
};

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
        let all = stacks.iter().filter(|stack| stack.ready.is_ok()).flat_map(|stack| {
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

/// Runs a plan. After an interrupt, the results are those of the cells that were done.
///
/// # Errors
///
/// If the tool itself fails: no port, no certificate file. What clients do is in the results.
pub async fn run(
    plan: &Plan,
    laboratory: &Laboratory,
    progress: &mpsc::UnboundedSender<Progress>,
    interrupt: &Interrupt,
) -> Result<Results, LaboratoryError> {
    let probes = stream::iter(&plan.stacks)
        .map(|spec| async move { Arc::new(Stack::probe(spec, laboratory).await) })
        .buffered(plan.jobs.max(1))
        .collect::<Vec<_>>();
    let stacks = tokio::select! {
        stacks = probes => stacks,
        () = interrupt.triggered() => Vec::new(),
    };
    let cells = plan.cells(&stacks);
    // Nobody listening is no reason to stop.
    let _ = progress.send(Progress::Begun { cells: cells.len() });
    let amendments: Mutex<Vec<Amendment>> = Mutex::default();
    let done: Mutex<Vec<(usize, CellResult)>> = Mutex::default();
    let one = async |number: usize, stack: &Arc<Stack>, axes: &Axes| {
        let _ = progress.send(Progress::Started(format!("{}:{axes}", stack.name)));
        let run = cell::run(
            laboratory,
            stack,
            Question { axes, rules: &[], version: plan.version, number },
            &amendments,
        )
        .await?;
        let _ = progress.send(Progress::Done(Box::new(run.result.clone())));
        lock(&done).push((number, run.result));
        Ok(())
    };
    let ended = tokio::select! {
        ended = drive(&cells, plan.jobs, one) => ended,
        () = interrupt.triggered() => Ok(()),
    };
    join_all(stacks.iter().map(|stack| stack.retire(&amendments))).await;
    ended?;
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by_key(|(number, _)| *number);
    for (spoilt, how) in lock(&amendments).drain(..) {
        if let Some((_, result)) = done.iter_mut().find(|(number, _)| *number == spoilt) {
            cell::amend(result, Some(how));
        }
    }
    Ok(Results {
        schema: SCHEMA,
        tool: concat!("pgtls ", env!("CARGO_PKG_VERSION")).to_owned(),
        reference: format!("libpq {}", plan.version),
        suite: plan.suite.name().to_owned(),
        seed: laboratory.seed().to_string(),
        stacks: stacks.iter().map(|stack| stack.result()).collect(),
        cells: done.into_iter().map(|(_, result)| result).collect(),
    })
}

/// Cells that wait on silence wait beside the others, so many a stack.
async fn drive<F>(cells: &[(Arc<Stack>, Axes)], jobs: usize, one: F) -> Result<(), LaboratoryError>
where
    F: AsyncFn(usize, &Arc<Stack>, &Axes) -> Result<(), LaboratoryError>,
{
    let one = &one;
    let mut waiting: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut quick = Vec::new();
    for (number, (stack, axes)) in cells.iter().enumerate() {
        match axes.server.reply {
            Reply::Silent | Reply::TlsSilent => {
                waiting.entry(stack.name.as_str()).or_default().push(number);
            }
            _ => quick.push(number),
        }
    }
    let run = async |number: usize| {
        let (stack, axes) = &cells[number];
        one(number, stack, axes).await
    };
    let run = &run;
    let lanes = waiting.values().map(|numbers| async move {
        let lanes = numbers.len().div_ceil(4).clamp(1, MOST_WAITING);
        let mut results = stream::iter(numbers).map(|number| run(*number)).buffer_unordered(lanes);
        while let Some(result) = results.next().await {
            result?;
        }
        Ok(())
    });
    let quick = async {
        let mut results = stream::iter(quick).map(run).buffer_unordered(jobs.max(1));
        while let Some(result) = results.next().await {
            result?;
        }
        Ok(())
    };
    let (quick, waited) = tokio::join!(quick, join_all(lanes));
    waited.into_iter().chain([quick]).collect()
}

/// As many processes as one stack may have waiting on silence.
const MOST_WAITING: usize = 16;

/// One stack that is asked one thing after another, outside of any suite.
#[derive(Debug)]
pub struct Subject<'a> {
    laboratory: &'a Laboratory,
    stack: Stack,
    version: Version,
    asked: AtomicUsize,
    amendments: Mutex<Vec<Amendment>>,
}

impl<'a> Subject<'a> {
    /// Asks the stack who it is.
    pub async fn probe(spec: &StackSpec, laboratory: &'a Laboratory) -> Self {
        Self {
            laboratory,
            stack: Stack::probe(spec, laboratory).await,
            version: Version::default(),
            asked: AtomicUsize::new(0),
            amendments: Mutex::default(),
        }
    }

    /// The libpq that the reference stands for: the newest without this setting.
    #[must_use]
    pub fn against(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// Why it cannot run, if it cannot.
    #[must_use]
    pub fn could_not_run(&self) -> Option<&str> {
        self.stack.ready.as_ref().err().map(String::as_str)
    }

    /// Whether it can be asked for these axes.
    #[must_use]
    pub fn supports(&self, axes: &Axes) -> bool {
        self.stack
            .ready
            .as_ref()
            .is_ok_and(|ready| support::reason_against(&ready.hello.supports, axes).is_none())
    }

    /// Asks for these axes on a wire with these rules.
    ///
    /// # Errors
    ///
    /// If the tool itself fails.
    pub async fn try_scenario(
        &self,
        axes: &Axes,
        rules: &[RuleSpec],
    ) -> Result<CellRun, LaboratoryError> {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let question = Question { axes, rules, version: self.version, number };
        cell::run(self.laboratory, &self.stack, question, &self.amendments).await
    }

    /// Asks as [`try_scenario`](Self::try_scenario) does, and ends its processes: if one of them
    /// misbehaves behind the answer, the run is a crash.
    ///
    /// # Errors
    ///
    /// If the tool itself fails.
    pub async fn try_to_the_end(
        &self,
        axes: &Axes,
        rules: &[RuleSpec],
    ) -> Result<CellRun, LaboratoryError> {
        // What earlier runs left to be told is not this one's.
        self.settle().await;
        let mut run = self.try_scenario(axes, rules).await?;
        if let Some((_, how)) = self.settle().await.pop() {
            cell::amend(&mut run.result, Some(how));
        }
        Ok(run)
    }

    /// Which runs' processes were found since the last look to have misbehaved behind an answer,
    /// and how: the runs by their numbers, in the order in which they were tried.
    #[must_use]
    pub fn amendments(&self) -> Vec<(usize, String)> {
        lock(&self.amendments).drain(..).collect()
    }

    /// The same, once all its processes have ended.
    pub async fn settle(&self) -> Vec<(usize, String)> {
        self.stack.retire(&self.amendments).await;
        self.amendments()
    }

    /// Ends its processes. If one of them misbehaved behind the answer of this run, the run
    /// becomes a crash.
    pub async fn conclude(self, mut run: CellRun) -> CellRun {
        if let Some((_, how)) = self.settle().await.pop() {
            cell::amend(&mut run.result, Some(how));
        }
        run
    }

    /// Ends its processes, and tells which of them misbehaved behind an answer.
    pub async fn retire(self) -> Vec<(usize, String)> {
        self.settle().await
    }
}
