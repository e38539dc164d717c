//! The history: the logs of a server's connections, within the memory that they may hold.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use crate::{
    budget::Budget,
    connection::Log,
    ended::{Connections, Waiting},
    observe::observe,
    transcript::Observation,
};

/// What of the server's budget the logs of ended connections may hold: the rest is for those that
/// are open.
const SHARE_OF_ENDED: usize = 4;
/// The same for the logs that wait for a subscriber.
const SHARE_OF_WAITING: usize = 8;
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
    subscribers: Vec<Weak<Mutex<Waiting>>>,
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
                lock(&queue).push(number, log.clone(), bytes, self.most_waiting);
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
        let queue = Arc::default();
        lock(&self.state).subscribers.push(Arc::downgrade(&queue));
        Connections::new(queue)
    }

    pub(crate) fn observation(&self) -> Observation {
        let (logs, accepted) = {
            let state = lock(&self.state);
            let logs: Vec<Log> = state.logs.iter().map(|kept| kept.log.clone()).collect();
            (logs, state.accepted)
        };
        observe_logs(logs, accepted)
    }

    /// What was seen, once nothing more is: where nobody else holds the logs, they are not copied.
    pub(crate) fn last_observation(&self) -> Observation {
        let (logs, accepted) = {
            let mut state = lock(&self.state);
            (std::mem::take(&mut state.logs), state.accepted)
        };
        observe_logs(logs.into_iter().map(|kept| kept.log).collect(), accepted)
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

fn observe_logs(logs: Vec<Log>, accepted: u64) -> Observation {
    let forgotten = accepted - logs.len() as u64;
    observe(logs.into_iter().map(Log::into_connection).collect(), forgotten)
}

impl Drop for History {
    fn drop(&mut self) {
        for queue in lock(&self.state).subscribers.iter().filter_map(Weak::upgrade) {
            lock(&queue).close();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
