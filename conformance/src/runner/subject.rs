//! One stack that is asked one thing after another, outside of any suite.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Instant,
};

use pgtls_mock_server::{RuleSpec, script::Script};

use super::{
    alone::to_the_end,
    belief::believe,
    blank::Blank,
    cell::{Asked, Place, ask},
    cell_run::CellRun,
    environment::TestEnvironment,
    means::Shortage,
    pool::Pool,
    question::{Question, ServerBehaviour},
    spec::StackSpec,
    stack::ProbedStack,
    support,
    suspicion::Suspicion,
};
use crate::{axes::Axes, judge::Conformance, reference::Version};

/// One stack that is asked one thing after another, outside of any suite.
#[derive(Debug)]
pub struct Subject<'a> {
    environment: &'a TestEnvironment,
    pool: Pool,
    stack: ProbedStack,
    version: Version,
    asked: AtomicUsize,
}

impl<'a> Subject<'a> {
    /// Asks the stack who it is.
    pub async fn probe(spec: &StackSpec, environment: &'a TestEnvironment) -> Self {
        let pool = Pool::new(environment.processes());
        let stack = ProbedStack::probe(spec, Place { environment, pool: &pool }).await;
        Self { environment, pool, stack, version: Version::default(), asked: AtomicUsize::new(0) }
    }

    /// The libpq that the reference stands for: the newest without this setting.
    #[must_use]
    pub fn against(mut self, version: Version) -> Self {
        self.version = version;
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

    /// Whether it can be asked for these axes.
    #[must_use]
    pub fn supports(&self, axes: &Axes) -> bool {
        self.stack
            .ready
            .as_ref()
            .is_ok_and(|ready| support::reason_against(&ready.hello.supports, axes).is_none())
    }

    /// Asks for these axes on a wire with these rules. What the client does behind its answer is told
    /// by [`suspicions`](Self::suspicions), as far as its process shows it.
    pub async fn try_scenario(&self, axes: &Axes, rules: &[RuleSpec]) -> CellRun {
        let server = ServerBehaviour::of(axes).with_rules(rules.iter().cloned());
        let question = self.question(axes, &server);
        let started = Instant::now();
        let run = match ask(self.place(), &self.stack, question).await {
            Ok(Asked::Closed(run)) => Ok(*run),
            Ok(Asked::Open(open, _)) => open.close().await,
            Err(shortage) => Err(shortage),
        };
        self.believed(question, started, run)
    }

    /// Asks a new process, watches it for a while behind its answer, and ends it: whatever the client
    /// does late belongs to the run.
    pub async fn try_to_the_end(&self, axes: &Axes, rules: &[RuleSpec]) -> CellRun {
        let server = ServerBehaviour::of(axes).with_rules(rules.iter().cloned());
        let question = self.question(axes, &server);
        // What the tool was short of may be there again.
        let mut run = self.to_the_end(question).await;
        if run.result.conformance == Conformance::Inconclusive {
            run = self.to_the_end(question).await;
        }
        run
    }

    /// Asks a new process that meets a server which does as this script has it, in place of the axes
    /// of the server, and ends it.
    pub async fn try_script(&self, axes: &Axes, script: Script) -> CellRun {
        let server = ServerBehaviour::scripted(script);
        self.to_the_end(self.question(axes, &server)).await
    }

    async fn to_the_end(&self, question: Question<'_>) -> CellRun {
        let started = Instant::now();
        let run = to_the_end(self.place(), &self.stack, question).await;
        self.believed(question, started, run)
    }

    /// Which runs' processes were found since the last look to have misbehaved behind an answer, and
    /// how: the runs by their numbers, in the order in which they were tried. Of several that come
    /// into question, the last.
    #[must_use]
    pub fn suspicions(&self) -> Vec<(usize, String)> {
        let last = |suspicion: Suspicion| Some((*suspicion.suspects.last()?, suspicion.how));
        self.pool.suspicions().into_iter().filter_map(last).collect()
    }

    /// The same, once all its processes have ended.
    pub async fn settle(&self) -> Vec<(usize, String)> {
        self.pool.retire_all().await;
        self.suspicions()
    }

    fn place(&self) -> Place<'_> {
        Place { environment: self.environment, pool: &self.pool }
    }

    fn question<'q>(&self, axes: &'q Axes, server: &'q ServerBehaviour) -> Question<'q> {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        Question { axes, server, version: self.version, number }
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
