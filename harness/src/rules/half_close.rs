//! Half-close: one direction ends in good order, the other goes on.

use super::{Chunk, Direction, Rule, Verdict};

/// Closes one direction at a given offset.
#[derive(Debug, Clone)]
pub struct HalfClose {
    direction: Direction,
    at: u64,
}

impl HalfClose {
    /// Closes `direction` in place of its byte at offset `at`.
    #[must_use]
    pub const fn new(direction: Direction, at: u64) -> Self {
        Self { direction, at }
    }
}

impl Rule for HalfClose {
    fn judge(&mut self, chunk: &Chunk<'_>) -> Verdict {
        if chunk.direction != self.direction {
            return Verdict::Pass;
        }
        match chunk.position(self.at) {
            None => Verdict::Pass,
            Some(0) => Verdict::Close,
            Some(before) => Verdict::Split(before),
        }
    }
}
