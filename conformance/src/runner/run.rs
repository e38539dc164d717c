//! Many cells over many stacks, side by side.

use futures_util::{Stream, StreamExt as _, stream};
use tokio::sync::mpsc;

use super::{
    cell::Place,
    environment::TestEnvironment,
    event::{Event, PartialResults},
    interrupt::Interrupt,
    lanes::{Lanes, OfStack},
    measure::{Planned, Run},
    plan::Plan,
    pool::Pool,
    question::ServerBehaviour,
    stack::ProbedStack,
};
use crate::results::Results;

/// As many processes as wait on silence, over all stacks: what they cost is their start.
const MOST_WAITING: usize = 128;
/// As many of one stack: they connect at once, and are not to take one another's time.
const MOST_WAITING_OF_ONE: usize = 64;

/// Runs a plan, and tells what happens as it happens; the run goes on while the stream is polled, and
/// is given up when it is dropped. After an interrupt it ends with the cells that were done.
///
/// What the tool cannot measure for want of its own means is asked again at the end, and then told to
/// be [inconclusive](crate::judge::Conformance::Inconclusive).
///
/// Many events may come at one poll: take them as they come, in memory.
pub fn events<'a>(
    plan: &'a Plan,
    environment: &'a TestEnvironment,
    interrupt: &'a Interrupt,
) -> impl Stream<Item = Event> + Unpin + 'a {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let events = stream::poll_fn(move |context| receiver.poll_recv(context));
    let work = async move {
        tell(plan, environment, &sender, interrupt).await;
        None
    };
    Box::pin(stream::select(stream::once(work).filter_map(std::future::ready), events))
}

/// Runs a plan up to its end: the fold of its [events].
pub async fn run(plan: &Plan, environment: &TestEnvironment, interrupt: &Interrupt) -> Results {
    let results = PartialResults::new(plan, environment.seed());
    let fold = |mut results: PartialResults, event| {
        results.apply(event);
        std::future::ready(results)
    };
    events(plan, environment, interrupt).fold(results, fold).await.into_results()
}

async fn tell(
    plan: &Plan,
    environment: &TestEnvironment,
    events: &mpsc::UnboundedSender<Event>,
    interrupt: &Interrupt,
) {
    let pool = Pool::new(environment.processes());
    let place = Place::of(environment, &pool);
    // With a single process more than is asked something at once, one can wait on silence.
    let jobs = plan.jobs.clamp(1, (environment.processes() - 1).max(1));
    let probes = stream::iter(&plan.stacks)
        .map(|spec| ProbedStack::probe_and_connect(spec, place))
        .buffered(jobs)
        .collect::<Vec<_>>();
    let stacks = tokio::select! {
        stacks = probes => stacks,
        () = interrupt.triggered() => Vec::new(),
    };
    let cells = planned(plan, &stacks);
    let told = stacks.iter().map(ProbedStack::result).collect();
    // Nobody listening is no reason to stop.
    let _ = events.send(Event::Begun { stacks: told, cells: cells.len() });
    let run = Run { place, cells: &cells, version: plan.version, events, interrupt };
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
}

/// The plan's cells without those of stacks that could not run, in order.
fn planned<'a>(plan: &Plan, stacks: &'a [ProbedStack]) -> Vec<Planned<'a>> {
    let names = stacks
        .iter()
        .enumerate()
        .filter(|(_, stack)| stack.has_cells())
        .map(|(place, stack)| (place, stack.name.as_str()));
    plan.cells(names)
        .into_iter()
        .map(|(place, axes)| {
            let server = ServerBehaviour::of(&axes);
            Planned { stack: &stacks[place], axes, server }
        })
        .collect()
}

fn lanes(stacks: &[ProbedStack], cells: &[Planned<'_>], jobs: usize, processes: usize) -> Lanes {
    let most = MOST_WAITING.min(processes.saturating_sub(jobs)) / stacks.len().max(1);
    let of_stack = |stack: &ProbedStack| {
        let mut of = OfStack::default();
        for (number, cell) in cells.iter().enumerate() {
            if std::ptr::eq(stack, cell.stack) {
                if !stack.is_in_process() && cell.server.falls_silent() {
                    of.waiting.push(number);
                } else {
                    of.busy.push(number);
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
