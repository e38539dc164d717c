//! The processes of a run's stacks: those that wait for their next question, and how many there may be.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Semaphore, time::Instant};

use super::{
    checkout::{Alive, Checkout},
    means::{Shortage, is_shortage},
    scrub::Scrubber,
    suspicion::{Suspicion, WATCHED, suspicion},
};
use crate::{
    shim::{
        CONTRACT, ClientEnvironment, Launch, Misbehaviour, Request, Response, ShimError,
        ShimProcess,
    },
    words::with_causes,
};

/// How long a stack may take to start and say hello; a JVM on a busy machine takes seconds.
pub(super) const HELLO_TIMEOUT: Duration = Duration::from_secs(30);

/// How often a process that could not be started for want of means is tried again.
const STARTS: u32 = 5;
/// How long until then: another cell's processes may be gone.
const PAUSE: Duration = Duration::from_millis(100);
/// So many processes start side by side; more would take one another's time for hello.
const STARTING: usize = 4;

/// Why there is no process.
#[derive(Debug)]
pub(super) enum NoProcess {
    /// The tool has no means for it.
    Short(Shortage),
    /// The stack could not be started, or not asked.
    Broken(String),
}

/// Idle processes, the longest idle first, and what was found out about them.
#[derive(Debug)]
pub(super) struct Pool {
    /// As many processes as may be alive, those that are asked something included.
    most: usize,
    alive: Arc<AtomicUsize>,
    starts: Semaphore,
    idle: Mutex<VecDeque<Idle>>,
    suspicions: Mutex<Vec<Suspicion>>,
}

#[derive(Debug)]
struct Idle {
    stack: String,
    client_environment: ClientEnvironment,
    checkout: Checkout,
}

impl Pool {
    /// A pool of at most so many processes.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            alive: Arc::default(),
            starts: Semaphore::new(STARTING),
            idle: Mutex::default(),
            suspicions: Mutex::default(),
        }
    }

    /// An idle process of that stack and environment, or a new one. The one that was asked last comes
    /// first: what has run a while runs faster, above all where code is compiled as it runs.
    pub(super) async fn checkout(
        &self,
        stack: &str,
        launch: &Launch,
        client_environment: &ClientEnvironment,
    ) -> Result<Checkout, NoProcess> {
        while let Some(mut checkout) = self.take_idle(stack, client_environment) {
            match checkout.process.has_misbehaved() {
                Some(misbehaviour) => self.suspect(&checkout, &misbehaviour),
                None => return Ok(checkout),
            }
        }
        self.start(launch, client_environment).await
    }

    /// A new process that has said hello.
    pub(super) async fn start(
        &self,
        launch: &Launch,
        client_environment: &ClientEnvironment,
    ) -> Result<Checkout, NoProcess> {
        let mut checkout = self.born(launch, client_environment).await?;
        // The contract begins with hello; a shim may set itself up there.
        match checkout.process.ask(&Request::Hello { contract: CONTRACT }, HELLO_TIMEOUT).await {
            Ok(Response::Hello(_)) => Ok(checkout),
            Ok(Response::Result(_)) => {
                Err(NoProcess::Broken("wanted a hello, got a result".to_owned()))
            }
            Err(error) => {
                let home = checkout.process.home().display().to_string();
                let words = Scrubber::default().hide(home, "{home}").scrub(&with_causes(&error));
                Err(NoProcess::Broken(words))
            }
        }
    }

    /// A new process that was asked nothing.
    pub(super) async fn born(
        &self,
        launch: &Launch,
        client_environment: &ClientEnvironment,
    ) -> Result<Checkout, NoProcess> {
        while self.alive.load(Ordering::Relaxed) >= self.most && self.evict().await {}
        // Nobody closes it.
        let _turn = self.starts.acquire().await;
        for start in 1.. {
            match ShimProcess::start(launch, client_environment) {
                Ok(process) => {
                    return Ok(Checkout::new(process, Alive::counted_by(&self.alive)));
                }
                Err(ShimError::Start { source, .. }) if is_shortage(&source) => {
                    if start == STARTS {
                        let what = format!("could not start a process: {source}");
                        return Err(NoProcess::Short(Shortage::Other(what)));
                    }
                    if !self.evict().await {
                        tokio::time::sleep(PAUSE).await;
                    }
                }
                Err(error) => return Err(NoProcess::Broken(with_causes(&error))),
            }
        }
        unreachable!("starts are counted")
    }

    /// Takes a process back that waits for its next question.
    pub(super) fn give_back(
        &self,
        stack: &str,
        client_environment: &ClientEnvironment,
        checkout: Checkout,
    ) {
        let (stack, client_environment) = (stack.to_owned(), client_environment.clone());
        lock(&self.idle).push_back(Idle { stack, client_environment, checkout });
    }

    /// Ends the process that has been idle longest, whosever it is; whether there was one.
    async fn evict(&self) -> bool {
        let Some(idle) = lock(&self.idle).pop_front() else { return false };
        self.retire([idle.checkout]).await;
        true
    }

    /// Ends all that are idle.
    pub(super) async fn retire_all(&self) {
        let idle: Vec<Idle> = lock(&self.idle).drain(..).collect();
        self.retire(idle.into_iter().map(|idle| idle.checkout)).await;
    }

    async fn retire(&self, checkouts: impl IntoIterator<Item = Checkout>) {
        let mut records = Vec::new();
        let mut processes = Vec::new();
        for Checkout { process, answered, open, alive, .. } in checkouts {
            let rest = answered.last().map_or_else(Instant::now, |last| last.at + WATCHED);
            processes.push((process, rest));
            // The cell stays open, and the process counts, until it has ended.
            records.push((answered, open, alive));
        }
        let misbehaved = ShimProcess::retire(processes).await;
        for ((answered, ..), misbehaviour) in records.iter().zip(misbehaved) {
            let suspicion = misbehaviour.and_then(|how| suspicion(answered, &how));
            lock(&self.suspicions).extend(suspicion);
        }
    }

    /// Notes what a process did that nobody had asked for.
    pub(super) fn suspect(&self, checkout: &Checkout, misbehaviour: &Misbehaviour) {
        lock(&self.suspicions).extend(checkout.suspicion(misbehaviour));
    }

    pub(super) fn note(&self, suspicion: impl IntoIterator<Item = Suspicion>) {
        lock(&self.suspicions).extend(suspicion);
    }

    /// What was noted since the last call.
    pub(super) fn suspicions(&self) -> Vec<Suspicion> {
        lock(&self.suspicions).drain(..).collect()
    }

    fn take_idle(&self, stack: &str, client_environment: &ClientEnvironment) -> Option<Checkout> {
        let mut idle = lock(&self.idle);
        let fits =
            |idle: &Idle| idle.stack == stack && idle.client_environment == *client_environment;
        let place = idle.iter().rposition(fits)?;
        idle.remove(place).map(|idle| idle.checkout)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
