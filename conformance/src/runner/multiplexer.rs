//! The processes of a stack that takes several questions at once: who is asked what.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use super::{
    checkout::Checkout,
    multiplexed::{Asking, Load, Multiplexed, Told},
    pool::Pool,
    scrub::Scrubber,
};
use crate::shim::{ClientEnvironment, Connect, Launch};

/// As many questions as one process is asked at once before another one is started, as long as there are
/// fewer than processors: so many keep it from waiting for its server.
const EAGER: usize = 4;
/// As many questions as one process is ever asked at once: what they take in its stdin's pipe is then never
/// more than fits (64 KiB on Linux), so that neither side waits for the other to read.
const MOST: usize = 64;

/// The processes of one stack that are asked several things at once.
#[derive(Debug)]
pub(super) struct Multiplexer {
    pool: Arc<Pool>,
    launch: Launch,
    /// As many questions as one process takes.
    capacity: usize,
    /// As many processes as there may be.
    most: usize,
    processors: usize,
    members: Mutex<Vec<Member>>,
}

/// One process, or one that is being started.
#[derive(Debug)]
struct Member {
    client_environment: ClientEnvironment,
    questions: mpsc::UnboundedSender<Asking>,
    /// What it was given and has not answered.
    load: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

/// A question that was put.
#[derive(Debug)]
pub(super) struct Put {
    /// Comes when a process is asked; where it never does, none is to be had.
    pub(super) begun: oneshot::Receiver<()>,
    /// Comes with the answer; where it never does, the process was of no use.
    pub(super) answer: oneshot::Receiver<Told>,
}

impl Multiplexer {
    /// Of a stack whose processes are started so and take so many questions each: so many processes.
    pub(super) fn new(
        pool: Arc<Pool>,
        launch: Launch,
        concurrency: NonZeroUsize,
        most: usize,
    ) -> Self {
        Self {
            pool,
            launch,
            capacity: concurrency.get().min(MOST),
            most,
            processors: thread::available_parallelism().map_or(1, NonZeroUsize::get),
            members: Mutex::default(),
        }
    }

    /// As many questions as may be under way at once.
    pub(super) fn capacity(&self) -> usize {
        self.capacity * self.most
    }

    /// Asks the process that has least to do, or another one where all have enough.
    pub(super) fn ask(
        &self,
        client_environment: &ClientEnvironment,
        request: Connect,
        number: usize,
        scrubber: Scrubber,
    ) -> Put {
        let (begun, has_begun) = oneshot::channel();
        let (answer, answered) = oneshot::channel();
        let mut members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        members.retain(|member| !member.questions.is_closed());
        let fitting =
            || members.iter().filter(|member| member.client_environment == *client_environment);
        let load = |member: &&Member| member.load.load(Ordering::Relaxed);
        let least = fitting().min_by_key(load);
        let enough = if fitting().count() < self.processors { EAGER } else { self.capacity };
        let is_free =
            |least: &&Member| load(least) < enough.min(self.capacity) || members.len() >= self.most;
        let free = least.filter(is_free);
        let new = free.is_none().then(|| self.start(client_environment.clone()));
        if let Some(member) = free.or(new.as_ref()) {
            let load = Load::counted_by(&member.load);
            let request = Box::new(request);
            // One that has ended meanwhile drops it, and who asks finds out by that.
            let _ =
                member.questions.send(Asking { request, number, scrubber, begun, answer, load });
        }
        members.extend(new);
        Put { begun: has_begun, answer: answered }
    }

    fn start(&self, client_environment: ClientEnvironment) -> Member {
        let (questions, asked) = mpsc::unbounded_channel();
        let (pool, launch) = (Arc::clone(&self.pool), self.launch.clone());
        let (around, capacity) = (client_environment.clone(), self.capacity);
        let task = tokio::spawn(async move {
            // Where there is none to be had, who asks finds out alone.
            if let Ok(Checkout { process, alive, .. }) = pool.start(&launch, &around).await {
                Multiplexed::new(pool, capacity).serve(process, asked).await;
                drop(alive);
            }
        });
        Member { client_environment, questions, load: Arc::default(), task }
    }

    /// Ends all processes, once they have answered.
    pub(super) async fn retire_all(&self) {
        let members: Vec<Member> =
            self.members.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect();
        let tasks: Vec<JoinHandle<()>> = members.into_iter().map(|member| member.task).collect();
        for task in tasks {
            // A task of the runner's own that panicked has told so on stderr.
            let _ = task.await;
        }
    }
}
