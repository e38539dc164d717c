//! Truncate: a byte, and all after it, vanish, while the connection stays open.

use super::{Chunk, Direction, Rule, Verdict};

/// Ends one direction without telling anybody.
#[derive(Debug, Clone)]
pub struct Truncate {
    direction: Direction,
    at: u64,
}

impl Truncate {
    /// Loses every byte of `direction` from offset `at` on.
    #[must_use]
    pub const fn new(direction: Direction, at: u64) -> Self {
        Self { direction, at }
    }
}

impl Rule for Truncate {
    fn judge(&mut self, chunk: &Chunk<'_>) -> Verdict {
        if chunk.direction != self.direction {
            return Verdict::Pass;
        }
        match chunk.position(self.at) {
            None => Verdict::Pass,
            Some(0) => Verdict::Swallow,
            Some(before) => Verdict::Split(before),
        }
    }
}
