//! The history: the logs of a server's connections, and what they come to.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::mpsc;

use crate::{
    connection::Log,
    trace::{Event, Outcome, Trace},
    transcript::{Connection, Observation, What},
};

/// A connection that is over.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// How many connections the server accepted before it.
    pub number: u64,
    /// What the server saw of it.
    pub observation: Observation,
}

/// Connections as they end, in the order of their ends; from
/// [`MockServer::subscribe`](crate::MockServer::subscribe).
#[derive(Debug)]
#[must_use = "connections that nobody takes pile up until this is dropped"]
pub struct Connections(mpsc::UnboundedReceiver<Ended>);

impl Connections {
    /// Waits for a connection to end; `None` once the server is gone.
    ///
    /// Cancel safe: a wait that is dropped loses no connection.
    pub async fn next(&mut self) -> Option<Ended> {
        self.0.recv().await
    }
}

/// The logs of a server's connections in the order of acceptance.
#[derive(Debug)]
pub(crate) struct History {
    limit: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    logs: VecDeque<Log>,
    accepted: u64,
    subscribers: Vec<mpsc::UnboundedSender<Ended>>,
}

impl History {
    /// A history of at most `limit` connections; the oldest are forgotten first.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, state: Mutex::default() }
    }

    /// Adds a connection that was just accepted, and numbers it.
    pub(crate) fn add(&self, log: Log) -> u64 {
        let mut state = self.lock();
        if state.logs.len() >= self.limit {
            state.logs.pop_front();
        }
        state.logs.push_back(log);
        state.accepted += 1;
        state.accepted - 1
    }

    /// How many connections there were so far.
    pub(crate) fn accepted(&self) -> u64 {
        self.lock().accepted
    }

    /// A connection is over.
    pub(crate) fn ended(&self, number: u64, log: &Log) {
        let mut state = self.lock();
        if !state.subscribers.is_empty() {
            let ended = Ended { number, observation: observe(vec![log.connection()], 0) };
            state.subscribers.retain(|subscriber| subscriber.send(ended.clone()).is_ok());
        }
    }

    pub(crate) fn subscribe(&self) -> Connections {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.lock().subscribers.push(sender);
        Connections(receiver)
    }

    pub(crate) fn observation(&self) -> Observation {
        let (logs, accepted) = {
            let state = self.lock();
            (state.logs.iter().cloned().collect::<Vec<Log>>(), state.accepted)
        };
        let forgotten = accepted - logs.len() as u64;
        observe(logs.iter().map(Log::connection).collect(), forgotten)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Condenses transcripts into a trace. The outcome is that of the last query on the last connection
/// that has one, in the order of acceptance.
fn observe(connections: Vec<Connection>, forgotten: u64) -> Observation {
    let mut trace = Trace::default();
    for connection in &connections {
        let mut events: Vec<Event> = Vec::new();
        for entry in &connection.entries {
            match entry.what {
                What::Event(event) => events.push(event),
                What::Query(_) if entry.encrypted => trace.outcome = Outcome::Ssl,
                What::Query(_) => trace.outcome = Outcome::Plain,
                _ => {}
            }
        }
        trace.connections.push(events);
    }
    Observation { trace, connections, forgotten }
}
