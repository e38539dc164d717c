//! Delay: a byte, and all after it, come later.

use std::time::Duration;

use super::{Chunk, Rule, Verdict};

/// Holds one direction up once, at a given offset.
pub(super) struct Delay {
    at: u64,
    wait: Option<Duration>,
}

impl Delay {
    pub(super) const fn new(at: u64, milliseconds: u64) -> Self {
        Self { at, wait: Some(Duration::from_millis(milliseconds)) }
    }
}

impl Rule for Delay {
    fn judge(&mut self, chunk: &Chunk<'_>) -> Verdict {
        let verdict = chunk.from(self.at, self.wait.map_or(Verdict::Pass, Verdict::Delay));
        if matches!(verdict, Verdict::Delay(_)) {
            self.wait = None;
        }
        verdict
    }
}
