//! One stack that is asked one thing or many, outside of any suite.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};

use pgtls_mock_server::{RuleSpec, script::Script};

use super::{
    alone::to_the_end,
    belief::believe,
    blank::Blank,
    cell::{Asked, Place, ask},
    cell_run::CellRun,
    cost::{Cost, cost},
    environment::TestEnvironment,
    means::Shortage,
    multiplexer::Multiplexer,
    pool::Pool,
    question::{Question, ServerBehaviour},
    spec::{Client, StackSpec},
    stack::{ProbedStack, Ready},
    support,
    suspicion::Suspicion,
    turn::Turns,
};
use crate::{
    axes::Axes,
    judge::{Conformance, Usage},
    reference::Version,
    shim::ColumnType,
};

/// One stack that is asked one thing or many, outside of any suite.
#[derive(Debug)]
pub struct Subject<'a> {
    environment: &'a TestEnvironment,
    pool: Arc<Pool>,
    stack: ProbedStack,
    version: Version,
    turns: Turns,
    /// The turns of what is asked again.
    again: Turns,
    multiplexer: Option<Multiplexer>,
    asked: AtomicUsize,
}

impl<'a> Subject<'a> {
    /// Asks the stack who it is.
    pub async fn probe(spec: &StackSpec, environment: &'a TestEnvironment) -> Self {
        let pool = Arc::new(Pool::new(environment.processes()));
        let stack = ProbedStack::probe(spec, Place::of(environment, &pool)).await;
        let (version, asked) = (Version::default(), AtomicUsize::new(0));
        let (turns, again, multiplexer) = (Turns::new(1, 0), Turns::new(1, 0), None);
        let jobs = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self { environment, pool, stack, version, turns, again, multiplexer, asked }.with_jobs(jobs)
    }

    /// The libpq that the reference stands for: the newest without this setting.
    #[must_use]
    pub fn against(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// With so many questions at once, beside which others wait on silence, and as many that are [asked
    /// again](Self::try_server_again); one for each processor without this setting.
    #[must_use]
    pub fn with_jobs(mut self, jobs: usize) -> Self {
        let jobs = jobs.clamp(1, self.environment.processes());
        let Ok(Ready { hello, client: Client::Process(launch), .. }) = &self.stack.ready else {
            // Who is in this process waits at no cost.
            (self.turns, self.again) = (Turns::new(jobs, 0), Turns::new(jobs, 0));
            return self;
        };
        let waiting = self.stack.worth_waiting_beside();
        let processes = (jobs + waiting).min(self.environment.processes());
        // What costs too much keeps a processor each.
        let few =
            thread::available_parallelism().map_or(jobs, |processors| jobs.min(processors.get()));
        self.again = Turns::new(few, processes.saturating_sub(few));
        let concurrency = hello.supports.concurrency.filter(|several| several.get() > 1);
        self.multiplexer = concurrency.map(|concurrency| {
            Multiplexer::new(Arc::clone(&self.pool), launch.clone(), concurrency, processes)
        });
        let at_once = self.multiplexer.as_ref().map_or(processes, Multiplexer::capacity);
        self.turns = Turns::new(jobs, at_once.saturating_sub(jobs));
        self
    }

    /// Why it cannot run, if it cannot.
    #[must_use]
    pub fn could_not_run(&self) -> Option<String> {
        self.stack.ready.as_ref().err().map(ToString::to_string)
    }

    /// Why it cannot connect, if no honest connection works in any of its modes: in the client's own
    /// words.
    pub async fn could_not_connect(&self) -> Option<String> {
        self.stack.connects(self.place()).await.err().map(|reason| reason.to_string())
    }

    /// The driver's version, as the stack says.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.stack.ready.as_ref().ok().map(|ready| ready.hello.version.as_str())
    }

    /// Whether it can be asked for these axes.
    #[must_use]
    pub fn supports(&self, axes: &Axes) -> bool {
        self.stack
            .ready
            .as_ref()
            .is_ok_and(|ready| support::reason_against(&ready.hello.supports, axes).is_none())
    }

    /// Asks for these axes and, beside the number, for columns of these types, and meets a server that
    /// behaves so: any number of futures at once, of which the [jobs](Self::with_jobs) run.
    ///
    /// What the client does behind its answer is told by [`suspicions`](Self::suspicions), as far as its
    /// process shows it.
    pub async fn try_server(
        &self,
        axes: &Axes,
        server: &ServerBehaviour,
        fetch: &[ColumnType],
    ) -> CellRun {
        self.try_in_turn(&self.turns, axes, server, fetch, || ()).await
    }

    /// The same, which tells when its turn has come.
    pub(crate) async fn try_server_and_tell(
        &self,
        axes: &Axes,
        server: &ServerBehaviour,
        fetch: &[ColumnType],
        begun: impl FnOnce(),
    ) -> CellRun {
        self.try_in_turn(&self.turns, axes, server, fetch, begun).await
    }

    /// Whether its client runs in this process, where nothing is waited for.
    pub(crate) fn is_in_process(&self) -> bool {
        matches!(&self.stack.ready, Ok(Ready { client: Client::InProcess(_), .. }))
    }

    /// [`try_server`](Self::try_server) for what was asked before and is looked into: it waits for no
    /// question that is asked for the first time.
    pub async fn try_server_again(
        &self,
        axes: &Axes,
        server: &ServerBehaviour,
        fetch: &[ColumnType],
    ) -> CellRun {
        self.try_in_turn(&self.again, axes, server, fetch, || ()).await
    }

    async fn try_in_turn(
        &self,
        turns: &Turns,
        axes: &Axes,
        server: &ServerBehaviour,
        fetch: &[ColumnType],
        begun: impl FnOnce(),
    ) -> CellRun {
        let question = self.question(axes, server, fetch);
        let turn = turns.next().await;
        begun();
        let started = Instant::now();
        let place = Place { turn: Some(&turn), ..self.place() };
        let asked = ask(place, &self.stack, question).await;
        turn.end();
        let run = match asked {
            Ok(Asked::Closed(run)) => Ok(*run),
            Ok(Asked::Open(open, _)) => open.close().await,
            Err(shortage) => Err(shortage),
        };
        self.believed(question, started, run)
    }

    /// [`try_server_again`](Self::try_server_again) of a new process that is asked nothing else, is
    /// watched for a while behind its answer, and is then ended: whatever the client does late belongs
    /// to the run.
    pub async fn try_server_to_the_end(
        &self,
        axes: &Axes,
        server: &ServerBehaviour,
        fetch: &[ColumnType],
    ) -> CellRun {
        let question = self.question(axes, server, fetch);
        let turn = self.again.next().await;
        let place = Place { turn: Some(&turn), ..self.place() };
        // What the tool was short of may be there again.
        let mut run = self.to_the_end(place, question).await;
        if run.result.conformance == Conformance::Inconclusive {
            run = self.to_the_end(place, question).await;
        }
        run
    }

    /// What it costs a process that has answered before, up to what is [too much](Usage::is_excessive);
    /// `None` where that cannot be told, as of a client in this process.
    pub(crate) async fn cost_of(
        &self,
        axes: &Axes,
        server: &ServerBehaviour,
        fetch: &[ColumnType],
    ) -> Option<Usage> {
        let Ok(Ready { client: Client::Process(launch), .. }) = &self.stack.ready else {
            return None;
        };
        let question = self.question(axes, server, fetch);
        let _turn = self.again.next().await;
        let client_environment = self.environment.client_environment(axes).ok()?;
        let name = &self.stack.name;
        let checkout = self.pool.checkout(name, launch, &client_environment).await;
        let mut checkout = checkout.ok()?;
        let blank = Blank::of(name, question);
        let cost = cost(self.environment, &mut checkout, &blank, question).await;
        match &cost {
            Ok(Some(Cost { is_answered: true, .. })) => {
                self.pool.give_back(name, &client_environment, checkout);
            }
            _ => checkout.process.kill().await,
        }
        cost.ok().flatten().map(|cost| cost.usage)
    }

    /// [`try_server`](Self::try_server) for these axes on a wire with these rules.
    pub async fn try_scenario(&self, axes: &Axes, rules: &[RuleSpec]) -> CellRun {
        let server = ServerBehaviour::of(axes).with_rules(rules.iter().cloned());
        self.try_server(axes, &server, &[]).await
    }

    /// [`try_server_to_the_end`](Self::try_server_to_the_end) for these axes on a wire with these rules.
    pub async fn try_to_the_end(&self, axes: &Axes, rules: &[RuleSpec]) -> CellRun {
        let server = ServerBehaviour::of(axes).with_rules(rules.iter().cloned());
        self.try_server_to_the_end(axes, &server, &[]).await
    }

    /// [`try_server_to_the_end`](Self::try_server_to_the_end) for a server that does as this script has
    /// it, in place of the axes of the server.
    pub async fn try_script(&self, axes: &Axes, script: Script) -> CellRun {
        self.try_server_to_the_end(axes, &ServerBehaviour::scripted(script), &[]).await
    }

    async fn to_the_end(&self, place: Place<'_>, question: Question<'_>) -> CellRun {
        let started = Instant::now();
        let run = to_the_end(place, &self.stack, question).await;
        self.believed(question, started, run)
    }

    /// Which runs' processes were found since the last look to have misbehaved behind an answer, and
    /// how: the runs by their [numbers](CellRun::number). Where several come into question, each of them,
    /// the last that was answered first: [asked to the end](Self::try_server_to_the_end), the right one
    /// shows it again.
    #[must_use]
    pub fn suspicions(&self) -> Vec<(usize, String)> {
        let each = |Suspicion { suspects, how }: Suspicion| {
            suspects.into_iter().rev().map(move |suspect| (suspect, how.clone()))
        };
        self.pool.suspicions().into_iter().flat_map(each).collect()
    }

    /// The same, once all its processes have ended.
    pub async fn settle(&self) -> Vec<(usize, String)> {
        if let Some(multiplexer) = &self.multiplexer {
            multiplexer.retire_all().await;
        }
        self.pool.retire_all().await;
        self.suspicions()
    }

    fn place(&self) -> Place<'_> {
        let multiplexer = self.multiplexer.as_ref();
        Place { multiplexer, ..Place::of(self.environment, &self.pool) }
    }

    fn question<'q>(
        &self,
        axes: &'q Axes,
        server: &'q ServerBehaviour,
        fetch: &'q [ColumnType],
    ) -> Question<'q> {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        Question { axes, server, fetch, version: self.version, number }
    }

    fn believed(
        &self,
        question: Question<'_>,
        started: Instant,
        run: Result<CellRun, Shortage>,
    ) -> CellRun {
        believe(self.environment, &self.stack, started, run).unwrap_or_else(|shortage| {
            Blank::of(&self.stack.name, question).inconclusive(&shortage)
        })
    }
}
