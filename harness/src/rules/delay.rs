//! Delay: a byte, and all after it, come later.

use std::time::Duration;

use super::{Chunk, Direction, Rule, Verdict};

/// Holds one direction up once, at a given offset.
#[derive(Debug, Clone)]
pub struct Delay {
    direction: Direction,
    at: u64,
    wait: Option<Duration>,
}

impl Delay {
    /// Holds `direction` up for `wait` before the byte at offset `at`.
    #[must_use]
    pub const fn new(direction: Direction, at: u64, wait: Duration) -> Self {
        Self { direction, at, wait: Some(wait) }
    }
}

impl Rule for Delay {
    fn judge(&mut self, chunk: &Chunk<'_>) -> Verdict {
        if chunk.direction != self.direction || self.wait.is_none() {
            return Verdict::Pass;
        }
        match chunk.position(self.at) {
            None => Verdict::Pass,
            Some(0) => self.wait.take().map_or(Verdict::Pass, Verdict::Delay),
            Some(before) => Verdict::Split(before),
        }
    }
}
