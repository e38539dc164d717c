//! The history: the logs of a server's connections, and what they come to.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use tokio::sync::Notify;

use crate::{
    budget::Budget,
    connection::Log,
    trace::{Event, Outcome, Trace},
    transcript::{Connection, EntryKind, Observation},
};

/// What of the server's budget the logs of ended connections may hold: the rest is for those that
/// are open.
const SHARE_OF_ENDED: usize = 4;
/// The same for the logs that wait for a subscriber.
const SHARE_OF_WAITING: usize = 8;
/// How many connections wait for a subscriber: as many as a busy server ends in a second.
const MOST_WAITING: usize = 1024;

/// A connection that is over.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// How many connections the server accepted before it.
    pub number: u64,
    /// What the server saw of it.
    pub observation: Observation,
    /// How many connections ended between the one told before and this one and are not told, since
    /// too many waited to be taken.
    pub forgotten: u64,
}

/// Connections as they end, in the order of their ends; from
/// [`MockServer::subscribe`](crate::MockServer::subscribe).
///
/// Those that nobody takes wait here: at most 1024 of them, and at most an eighth of the server's
/// [memory](crate::Builder::memory). Beyond, the oldest are forgotten, and counted in
/// [`Ended::forgotten`].
#[derive(Debug)]
pub struct Connections(Arc<Queue>);

#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    logs: VecDeque<(u64, Log, usize)>,
    bytes: usize,
    forgotten: u64,
    /// The server is gone.
    closed: bool,
}

impl Connections {
    /// Waits for a connection to end; `None` once the server is gone.
    ///
    /// Cancel safe: a wait that is dropped loses no connection.
    pub async fn next(&mut self) -> Option<Ended> {
        loop {
            // Registered first, so that no end is missed.
            let changed = self.0.changed.notified();
            {
                let mut waiting = lock(&self.0.waiting);
                if let Some((number, log, bytes)) = waiting.logs.pop_front() {
                    waiting.bytes -= bytes;
                    let forgotten = std::mem::take(&mut waiting.forgotten);
                    drop(waiting);
                    let observation = observe(vec![log.connection()], 0);
                    return Some(Ended { number, observation, forgotten });
                }
                if waiting.closed {
                    return None;
                }
            }
            changed.await;
        }
    }
}

impl Queue {
    fn push(&self, number: u64, log: Log, bytes: usize, most: usize) {
        let mut waiting = lock(&self.waiting);
        waiting.logs.push_back((number, log, bytes));
        waiting.bytes += bytes;
        while waiting.logs.len() > MOST_WAITING || waiting.bytes > most && waiting.logs.len() > 1 {
            let Some((_, _, bytes)) = waiting.logs.pop_front() else { break };
            waiting.bytes -= bytes;
            waiting.forgotten += 1;
        }
        drop(waiting);
        self.changed.notify_one();
    }
}

/// The logs of a server's connections in the order of acceptance.
#[derive(Debug)]
pub(crate) struct History {
    limit: usize,
    /// How much the logs of ended connections may hold, in bytes.
    most_ended: usize,
    /// How much of them may wait for a subscriber, in bytes.
    most_waiting: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    logs: VecDeque<Kept>,
    accepted: u64,
    /// What the ended ones hold.
    ended: usize,
    subscribers: Vec<Weak<Queue>>,
}

#[derive(Debug)]
struct Kept {
    number: u64,
    log: Log,
    /// What it holds, once its connection is over.
    ended: Option<usize>,
}

impl History {
    /// A history of at most `limit` connections; the oldest are forgotten first. Of the budget the
    /// ended ones among them hold no more than a part.
    pub(crate) fn new(limit: usize, budget: &Budget) -> Self {
        let most_ended = budget.most() / SHARE_OF_ENDED;
        let most_waiting = budget.most() / SHARE_OF_WAITING;
        Self { limit, most_ended, most_waiting, state: Mutex::default() }
    }

    /// Adds a connection that was just accepted, and numbers it.
    pub(crate) fn add(&self, log: Log) -> u64 {
        let mut state = lock(&self.state);
        if state.logs.len() >= self.limit
            && let Some(oldest) = state.logs.pop_front()
        {
            state.ended -= oldest.ended.unwrap_or_default();
        }
        let number = state.accepted;
        state.accepted += 1;
        state.logs.push_back(Kept { number, log, ended: None });
        number
    }

    /// How many connections there were so far.
    pub(crate) fn accepted(&self) -> u64 {
        lock(&self.state).accepted
    }

    /// A connection is over.
    pub(crate) fn ended(&self, number: u64, log: &Log) {
        let bytes = log.weight();
        let mut state = lock(&self.state);
        state.subscribers.retain(|subscriber| match subscriber.upgrade() {
            Some(queue) => {
                queue.push(number, log.clone(), bytes, self.most_waiting);
                true
            }
            None => false,
        });
        // Where the history is short, it may be forgotten already.
        if let Ok(index) = state.logs.binary_search_by_key(&number, |kept| kept.number) {
            state.logs[index].ended = Some(bytes);
            state.ended += bytes;
            while state.ended > self.most_ended && state.forget_some() {}
        }
    }

    pub(crate) fn subscribe(&self) -> Connections {
        let queue = Arc::<Queue>::default();
        lock(&self.state).subscribers.push(Arc::downgrade(&queue));
        Connections(queue)
    }

    pub(crate) fn observation(&self) -> Observation {
        let (logs, accepted) = {
            let state = lock(&self.state);
            let logs: Vec<Log> = state.logs.iter().map(|kept| kept.log.clone()).collect();
            (logs, state.accepted)
        };
        let forgotten = accepted - logs.len() as u64;
        observe(logs.iter().map(Log::connection).collect(), forgotten)
    }
}

impl State {
    /// Makes the ended connections hold less: the one that holds most loses what no verdict rests
    /// on, or, where it has nothing of the kind, is forgotten. Whether there was one.
    fn forget_some(&mut self) -> bool {
        let heaviest = self.logs.iter_mut().enumerate().max_by_key(|(_, kept)| kept.ended);
        let Some((index, Kept { log, ended: Some(before), .. })) = heaviest else { return false };
        let freed = log.keep_facts_alone();
        if freed > 0 {
            *before -= freed.min(*before);
            self.ended -= freed.min(self.ended);
        } else {
            self.ended -= *before;
            self.logs.remove(index);
        }
        true
    }
}

impl Drop for History {
    fn drop(&mut self) {
        for queue in lock(&self.state).subscribers.iter().filter_map(Weak::upgrade) {
            lock(&queue.waiting).closed = true;
            queue.changed.notify_one();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Condenses transcripts into a trace. The outcome is that of the last query on the last connection
/// that has one, in the order of acceptance.
fn observe(connections: Vec<Connection>, forgotten: u64) -> Observation {
    let mut trace = Trace::default();
    for connection in &connections {
        let mut events: Vec<Event> = Vec::new();
        for entry in &connection.entries {
            match entry.what {
                EntryKind::Event(event) => events.push(event),
                EntryKind::Query(_) if entry.encrypted => trace.outcome = Outcome::Ssl,
                EntryKind::Query(_) => trace.outcome = Outcome::Plain,
                _ => {}
            }
        }
        trace.connections.push(events);
    }
    Observation { trace, connections, forgotten }
}
