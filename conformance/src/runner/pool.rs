//! The processes of a run's stacks: those that wait for their next question, and how many there may be.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Semaphore, oneshot},
    time::Instant,
};

use super::{
    means::{Shortage, is_shortage},
    scrub::Scrubber,
    stack::{HELLO, Ready},
};
use crate::shim::{
    CONTRACT, ClientEnvironment, Misbehaviour, Request, Response, ShimError, ShimProcess,
};

/// How long a process is watched behind its answer at the least, for what still belongs to it: above
/// what a driver's background work takes to go wrong, and short enough to be waited for at the end.
pub(super) const WATCHED: Duration = Duration::from_millis(400);
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

/// Something that a process did behind an answer, and the cells to which it may belong, the last one
/// last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Suspicion {
    pub(super) suspects: Vec<usize>,
    pub(super) how: String,
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

/// A process that was taken out of the pool, and what it was asked so far.
#[derive(Debug)]
pub(super) struct Checkout {
    pub(super) process: ShimProcess,
    /// It was asked to connect before, be it for no cell.
    pub(super) used: bool,
    /// The cells that it answered, the last one last.
    answered: Vec<Answered>,
    /// Keeps the cell that it answered last open.
    open: Option<oneshot::Sender<AskedAgain>>,
    _alive: Alive,
}

/// Says that a process was asked something else; where it never comes, the process has ended.
#[derive(Debug)]
pub(super) struct AskedAgain;

#[derive(Debug)]
struct Answered {
    cell: usize,
    /// What hides in its words.
    scrubber: Scrubber,
    at: Instant,
}

#[derive(Debug)]
struct Alive(Arc<AtomicUsize>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
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
        stack: &Ready,
        client_environment: &ClientEnvironment,
    ) -> Result<Checkout, NoProcess> {
        while let Some(mut checkout) = self.take_idle(&stack.name, client_environment) {
            match checkout.process.has_misbehaved() {
                Some(misbehaviour) => self.suspect(&checkout, &misbehaviour),
                None => return Ok(checkout),
            }
        }
        self.start(stack, client_environment).await
    }

    /// A new process that has said hello.
    pub(super) async fn start(
        &self,
        stack: &Ready,
        client_environment: &ClientEnvironment,
    ) -> Result<Checkout, NoProcess> {
        let mut checkout = self.born(&stack.launch, client_environment).await?;
        // The contract begins with hello; a shim may set itself up there.
        match checkout.process.ask(&Request::Hello { contract: CONTRACT }, HELLO).await {
            Ok(Response::Hello(_)) => Ok(checkout),
            Ok(Response::Result(_)) => {
                Err(NoProcess::Broken("wanted a hello, got a result".to_owned()))
            }
            Err(error) => {
                let home = checkout.process.home().display().to_string();
                let words = Scrubber::default().hide(home, "{home}").scrub(&with_source(&error));
                Err(NoProcess::Broken(words))
            }
        }
    }

    /// A new process that was asked nothing.
    pub(super) async fn born(
        &self,
        launch: &crate::shim::Launch,
        client_environment: &ClientEnvironment,
    ) -> Result<Checkout, NoProcess> {
        while self.alive.load(Ordering::Relaxed) >= self.most && self.evict().await {}
        // Nobody closes it.
        let _turn = self.starts.acquire().await;
        for start in 1.. {
            match ShimProcess::start(launch, client_environment) {
                Ok(process) => {
                    self.alive.fetch_add(1, Ordering::Relaxed);
                    let alive = Alive(Arc::clone(&self.alive));
                    return Ok(Checkout {
                        process,
                        used: false,
                        answered: Vec::new(),
                        open: None,
                        _alive: alive,
                    });
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
                Err(error) => return Err(NoProcess::Broken(with_source(&error))),
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
        for Checkout { process, answered, open, _alive, .. } in checkouts {
            let rest = answered.last().map_or_else(Instant::now, |last| last.at + WATCHED);
            processes.push((process, rest));
            records.push((answered, open, _alive));
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

impl Checkout {
    /// The process is asked something else: the cell that it answered last is kept open no longer.
    pub(super) fn is_asked_again(&mut self) {
        if let Some(open) = self.open.take() {
            // A cell that was given up waits for nothing.
            let _ = open.send(AskedAgain);
        }
    }

    /// The process has answered this cell, which stays open until the process is asked again or has
    /// ended.
    pub(super) fn has_answered(
        &mut self,
        cell: usize,
        scrubber: Scrubber,
    ) -> oneshot::Receiver<AskedAgain> {
        self.used = true;
        self.answered.push(Answered { cell, scrubber, at: Instant::now() });
        let (open, closed) = oneshot::channel();
        self.open = Some(open);
        closed
    }

    /// To which cells it may belong what the process did unasked.
    pub(super) fn suspicion(&self, misbehaviour: &Misbehaviour) -> Option<Suspicion> {
        suspicion(&self.answered, misbehaviour)
    }
}

/// The cell whose answer was repeated, or else all that were answered so shortly before the last one
/// that they were still watched.
fn suspicion(answered: &[Answered], misbehaviour: &Misbehaviour) -> Option<Suspicion> {
    let Misbehaviour { how, answered: id } = misbehaviour;
    let last = answered.last()?;
    let named = answered.iter().find(|cell| id.is_some_and(|id| id == cell.cell as u64));
    let suspects: Vec<&Answered> = match named {
        Some(cell) => vec![cell],
        None => answered.iter().filter(|cell| cell.at + WATCHED >= last.at).collect(),
    };
    let how = suspects.iter().fold(how.clone(), |how, cell| cell.scrubber.scrub(&how));
    Some(Suspicion { suspects: suspects.iter().map(|cell| cell.cell).collect(), how })
}

pub(super) fn with_source(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(cell: usize, at: Instant) -> Answered {
        Answered { cell, scrubber: Scrubber::default(), at }
    }

    #[test]
    fn whoever_was_still_watched_is_suspected() {
        let now = Instant::now();
        let cells =
            [answered(1, now - 2 * WATCHED), answered(2, now - WATCHED / 2), answered(3, now)];
        let died = Misbehaviour { how: "died".to_owned(), answered: None };
        let of = |cells: &[Answered], what: &Misbehaviour| {
            suspicion(cells, what).map(|suspicion| suspicion.suspects)
        };
        assert_eq!(of(&cells, &died), Some(vec![2, 3]));
        assert_eq!(of(&cells[..1], &died), Some(vec![1]));
        assert_eq!(of(&[], &died), None);
        let repeated = Misbehaviour { how: "spoke unasked".to_owned(), answered: Some(1) };
        assert_eq!(of(&cells, &repeated), Some(vec![1]));
    }
}
