//! What a process takes that is asked several things at once. It cannot be laid to one of them; but that it is
//! too much for all of them can be seen, and then each that comes into question is asked again alone.

use std::time::Duration;

use nix::unistd::Pid;

use super::taken::{forget_peak, peak, taken};
use crate::judge::Usage;

/// Over so many answers it is reckoned what one costs.
const BATCH: u32 = 32;
/// What an answer costs where nothing is known of it: more than any driver takes that is warm.
const USUAL: Duration = Duration::from_millis(20);
/// An answer may cost so many times what the cheapest ones have.
const FACTOR: u32 = 2;

/// Watches one shim as long as it is asked.
#[derive(Debug)]
pub(crate) struct Gauge {
    shim: Pid,
    /// Its memory when the peak was forgotten last.
    resting: u64,
    answers: u32,
    /// The processor time when the batch began.
    batch: Duration,
    /// What an answer of the cheapest batch has cost.
    cheapest: Duration,
}

/// When a question was put.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    processor: Duration,
    answers: u32,
}

impl Gauge {
    /// Begins to watch.
    pub(crate) fn start(shim: Pid) -> Self {
        let now = taken(shim).unwrap_or_default();
        forget_peak(shim);
        Self { shim, resting: now.memory, answers: 0, batch: now.processor, cheapest: USUAL }
    }

    /// A question is put.
    pub(crate) fn mark(&self) -> Mark {
        let processor = taken(self.shim).map_or(Duration::MAX, |taken| taken.processor);
        Mark { processor, answers: self.answers }
    }

    /// One that was put then is answered: what the process has taken meanwhile beyond what its answers
    /// cost, if that is too much for one question.
    pub(crate) fn answered(&mut self, put: Mark) -> Option<Usage> {
        let now = taken(self.shim)?;
        self.answers += 1;
        if self.answers.is_multiple_of(BATCH) {
            self.cheapest = self.cheapest.min(now.processor.saturating_sub(self.batch) / BATCH);
            self.batch = now.processor;
        }
        let fair = self.cheapest * FACTOR * (self.answers - put.answers);
        let processor = now.processor.saturating_sub(put.processor).saturating_sub(fair);
        let memory = peak(self.shim).unwrap_or_default().saturating_sub(self.resting);
        if memory > Usage::MUCH_MEMORY {
            self.resting = now.memory;
            forget_peak(self.shim);
        }
        Some(Usage::new(memory, processor)).filter(|usage| usage.is_excessive())
    }
}
