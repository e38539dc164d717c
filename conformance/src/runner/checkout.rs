//! A process that was taken out of the pool, and what it was asked so far.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{sync::oneshot, time::Instant};

use super::{
    scrub::Scrubber,
    suspicion::{Answered, Suspicion, suspicion},
};
use crate::shim::{Misbehaviour, ShimProcess};

/// As many answered cells as are remembered of a process: more than it can answer while they are watched,
/// and what it answers again is nearly always one of the last.
const REMEMBERED: usize = 1000;

/// A process that was taken out of the pool, and what it was asked so far.
#[derive(Debug)]
pub(super) struct Checkout {
    pub(super) process: ShimProcess,
    /// It was asked to connect before, be it for no cell.
    pub(super) used: bool,
    /// The cells that it answered, the last one last.
    pub(super) answered: Vec<Answered>,
    /// Keeps the cell that it answered last open.
    pub(super) open: Option<oneshot::Sender<AskedAgain>>,
    pub(super) alive: Alive,
}

/// Says that a process was asked something else; where it never comes, the process has ended.
#[derive(Debug)]
pub(super) struct AskedAgain;

/// Counts a process among those that are alive, as long as it is there.
#[derive(Debug)]
pub(super) struct Alive(Arc<AtomicUsize>);

impl Alive {
    pub(super) fn counted_by(alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(alive))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Checkout {
    /// A process that was asked nothing.
    pub(super) fn new(process: ShimProcess, alive: Alive) -> Self {
        Self { process, used: false, answered: Vec::new(), open: None, alive }
    }

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
        if self.answered.len() == REMEMBERED {
            self.answered.remove(0);
        }
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
