//! Connections as they end, told to whoever subscribed.

use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

use futures_core::Stream;

use crate::{connection::Log, observe::observe, transcript::Observation};

/// How many connections wait for a subscriber: as many as a busy server ends in a second.
const MOST_WAITING: usize = 1024;

/// A connection that is over.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
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
#[must_use = "connections are told from its making on, and wait to be taken"]
pub struct Connections(Arc<Mutex<Waiting>>);

/// Where connections that ended wait for a subscriber.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    logs: VecDeque<(u64, Log, usize)>,
    bytes: usize,
    forgotten: u64,
    /// The server is gone.
    closed: bool,
    /// Who waits for an end.
    waker: Option<Waker>,
}

impl Connections {
    /// What waits in `queue`, which the server keeps no longer than somebody is there to take it.
    pub(crate) const fn new(queue: Arc<Mutex<Waiting>>) -> Self {
        Self(queue)
    }

    /// Waits for a connection to end; `None` once the server is gone.
    ///
    /// The same as the [`Stream`]'s next item. Cancel safe: a wait that is dropped loses no
    /// connection.
    pub async fn next(&mut self) -> Option<Ended> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl Stream for Connections {
    type Item = Ended;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Ended>> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((number, log, bytes)) = waiting.logs.pop_front() else {
            if waiting.closed {
                return Poll::Ready(None);
            }
            waiting.waker = Some(cx.waker().clone());
            return Poll::Pending;
        };
        waiting.bytes -= bytes;
        let forgotten = std::mem::take(&mut waiting.forgotten);
        drop(waiting);
        let observation = observe(vec![log.connection()], 0);
        Poll::Ready(Some(Ended { number, observation, forgotten }))
    }
}

impl Waiting {
    /// Adds one that ended; where what waits holds more than `most` bytes, the oldest go.
    pub(crate) fn push(&mut self, number: u64, log: Log, bytes: usize, most: usize) {
        self.logs.push_back((number, log, bytes));
        self.bytes += bytes;
        while self.logs.len() > MOST_WAITING || self.bytes > most && self.logs.len() > 1 {
            let Some((_, _, bytes)) = self.logs.pop_front() else { break };
            self.bytes -= bytes;
            self.forgotten += 1;
        }
        self.wake();
    }

    /// The server is gone: nothing more is added.
    pub(crate) fn close(&mut self) {
        self.closed = true;
        self.wake();
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}
