//! Many cells over many stacks, side by side.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Instant,
};

use futures_util::{
    StreamExt as _,
    future::join,
    stream::{self, FuturesUnordered},
};
use tokio::sync::mpsc;

use super::{
    CellRun, Interrupt, Plan, Progress, Shortage, TestEnvironment,
    blank::amend,
    cell::{Asked, Place, Question, ask, blank},
    lanes::{Lanes, OfStack},
    pool::{Pool, Suspicion},
    stack::Stack,
    subject::{believe, to_the_end},
};
use crate::{
    axes::{Axes, Reply},
    judge::Conformance,
    results::{CellResult, Libpq, Results, SCHEMA},
};

/// As many processes as wait on silence, over all stacks: what they cost is their start.
const MOST_WAITING: usize = 128;
/// As many of one stack: they connect at once, and are not to take one another's time.
const MOST_WAITING_OF_ONE: usize = 64;

/// Runs a plan. After an interrupt, the results are those of the cells that were done.
///
/// What the tool cannot measure for want of its own means is asked again at the end, and then told to
/// be [inconclusive](Conformance::Inconclusive).
pub async fn run(
    plan: &Plan,
    environment: &TestEnvironment,
    progress: &mpsc::UnboundedSender<Progress>,
    interrupt: &Interrupt,
) -> Results {
    let pool = Pool::new(environment.processes());
    let place = Place { environment, pool: &pool };
    // With a single process more than is asked something at once, one can wait on silence.
    let jobs = plan.jobs.clamp(1, (environment.processes() - 1).max(1));
    let probes = stream::iter(&plan.stacks)
        .map(|spec| async move { Arc::new(Stack::probe_and_connect(spec, place).await) })
        .buffered(jobs)
        .collect::<Vec<_>>();
    let stacks = tokio::select! {
        stacks = probes => stacks,
        () = interrupt.triggered() => Vec::new(),
    };
    let cells = plan.cells(&stacks);
    // Nobody listening is no reason to stop.
    let _ = progress.send(Progress::Begun { cells: cells.len() });
    let run = Run { plan, place, cells: &cells, progress, interrupt };
    let mut measured = run.measure(lanes(&stacks, &cells, jobs, environment.processes())).await;
    let doubts = async {
        run.find_the_guilty(&mut measured, jobs).await;
        run.ask_again(&mut measured).await;
    };
    tokio::select! {
        biased;
        () = interrupt.triggered() => {}
        () = doubts => {}
    }
    let results = measured.into_iter().map(|(number, measured)| match measured {
        Ok(result) => result,
        Err(shortage) => run.blank(number).inconclusive(&shortage).result,
    });
    Results {
        schema: SCHEMA,
        tool: concat!("pgtls ", env!("CARGO_PKG_VERSION")).to_owned(),
        reference: Libpq(plan.version).into(),
        suite: plan.suite.into(),
        seed: environment.seed().into(),
        cells: results.collect(),
        stacks: stacks.iter().map(|stack| stack.result()).collect(),
    }
}

fn lanes(
    stacks: &[Arc<Stack>],
    cells: &[(Arc<Stack>, Axes)],
    jobs: usize,
    processes: usize,
) -> Lanes {
    let most = MOST_WAITING.min(processes.saturating_sub(jobs)) / stacks.len().max(1);
    let of_stack = |stack: &Arc<Stack>| {
        let mut of = OfStack::default();
        for (number, (of_cell, axes)) in cells.iter().enumerate() {
            if Arc::ptr_eq(stack, of_cell) {
                match axes.server.reply {
                    Reply::Silent | Reply::TlsSilent => of.waiting.push(number),
                    _ => of.busy.push(number),
                }
            }
        }
        let worth = stack
            .ready
            .as_ref()
            .map_or(1, |ready| ready.worth_starting(of.waiting.len(), TestEnvironment::TIMEOUT));
        of.side_by_side = worth.min(most).clamp(1, MOST_WAITING_OF_ONE);
        of
    };
    Lanes::new(jobs, stacks.iter().map(of_stack).collect())
}

/// What came of the cells so far, by their numbers.
type Measured = BTreeMap<usize, Result<CellResult, Shortage>>;

/// A run whose cells are known.
#[derive(Clone, Copy)]
struct Run<'a> {
    plan: &'a Plan,
    place: Place<'a>,
    cells: &'a [(Arc<Stack>, Axes)],
    progress: &'a mpsc::UnboundedSender<Progress>,
    interrupt: &'a Interrupt,
}

impl<'a> Run<'a> {
    fn question(&self, number: usize) -> (&'a Stack, Question<'a>) {
        let (stack, axes) = &self.cells[number];
        (stack, Question { axes, rules: &[], version: self.plan.version, number })
    }

    fn blank(&self, number: usize) -> super::blank::Blank<'a> {
        let (stack, question) = self.question(number);
        blank(stack, question)
    }

    /// Asks in lanes. Cells that are answered stay open beside them, until their processes are asked
    /// again or have ended.
    async fn measure(&self, mut lanes: Lanes) -> Measured {
        let mut asking = FuturesUnordered::new();
        let mut open = FuturesUnordered::new();
        let mut measured = Measured::new();
        loop {
            while let Some((number, lane)) = lanes.next() {
                asking.push(async move { (number, lane, Instant::now(), self.ask(number).await) });
            }
            // Lanes are free again, so nothing is left to begin.
            if asking.is_empty() {
                break;
            }
            tokio::select! {
                Some((number, lane, started, asked)) = asking.next() => {
                    lanes.leave(lane);
                    match asked {
                        Ok(Asked::Closed(run)) => {
                            self.done(&mut measured, number, started, Ok(*run));
                        }
                        Ok(Asked::Open(cell, process)) => open.push(async move {
                            (number, started, cell.close_behind(process).await)
                        }),
                        Err(shortage) => self.done(&mut measured, number, started, Err(shortage)),
                    }
                }
                Some((number, started, run)) = open.next(), if !open.is_empty() => {
                    self.done(&mut measured, number, started, run);
                }
                () = self.interrupt.triggered() => break,
            }
        }
        // Those that were interrupted die with their questions.
        drop(asking);
        let close = async {
            while let Some((number, started, run)) = open.next().await {
                self.done(&mut measured, number, started, run);
            }
        };
        join(self.place.pool.retire_all(), close).await;
        measured
    }

    async fn ask(&self, number: usize) -> Result<Asked<'a>, Shortage> {
        let (stack, question) = self.question(number);
        let _ = self.progress.send(Progress::Started(format!("{}:{}", stack.name, question.axes)));
        ask(self.place, stack, question).await
    }

    fn done(
        &self,
        measured: &mut Measured,
        number: usize,
        started: Instant,
        run: Result<CellRun, Shortage>,
    ) {
        let run = believe(self.place.environment, started, run);
        let result = match &run {
            Ok(run) => run.result.clone(),
            Err(shortage) => self.blank(number).inconclusive(shortage).result,
        };
        let _ = self.progress.send(Progress::Done(Box::new(result)));
        measured.insert(number, run.map(|run| run.result));
    }

    /// Charges what processes did behind their answers to the cells that it belongs to. Where several
    /// come into question, each is asked again alone, and shows it or not.
    async fn find_the_guilty(&self, measured: &mut Measured, jobs: usize) {
        let suspicions = self.place.pool.suspicions();
        let several: BTreeSet<usize> = suspicions
            .iter()
            .filter(|suspicion| suspicion.suspects.len() > 1)
            .flat_map(|suspicion| suspicion.suspects.iter().copied())
            .filter(|number| *number < self.cells.len())
            .collect();
        let alone: BTreeMap<usize, CellResult> = stream::iter(several)
            .map(|number| async move {
                let (stack, question) = self.question(number);
                let started = Instant::now();
                let run = to_the_end(self.place, stack, question).await;
                let run = believe(self.place.environment, started, run).ok()?;
                let shows = run.result.conformance == Conformance::Crash;
                shows.then_some((number, run.result))
            })
            .buffer_unordered(jobs)
            .filter_map(async |found| found)
            .collect()
            .await;
        for Suspicion { suspects, how } in suspicions {
            let guilty: Vec<&usize> =
                suspects.iter().filter(|number| alone.contains_key(number)).collect();
            match (guilty.as_slice(), suspects.last()) {
                ([], Some(last)) => {
                    match (measured.get_mut(last), self.place.environment.shortage()) {
                        // It may have died of that.
                        (Some(measured), Some(shortage)) => *measured = Err(shortage),
                        (Some(Ok(result)), None) => amend(result, Some(how)),
                        _ => {}
                    }
                }
                (guilty, _) => {
                    for number in guilty {
                        measured.insert(**number, Ok(alone[number].clone()));
                    }
                }
            }
        }
    }

    /// Asks again, alone, what the tool was short of means for, unless it still is.
    async fn ask_again(&self, measured: &mut Measured) {
        let unmeasured: Vec<usize> = measured
            .iter()
            .filter(|(_, measured)| measured.is_err())
            .map(|(number, _)| *number)
            .collect();
        for number in unmeasured {
            let again = match self.place.environment.shortage() {
                Some(shortage) => Err(shortage),
                None => {
                    let (stack, question) = self.question(number);
                    let started = Instant::now();
                    let run = to_the_end(self.place, stack, question).await;
                    believe(self.place.environment, started, run).map(|run| run.result)
                }
            };
            measured.insert(number, again);
        }
    }
}
