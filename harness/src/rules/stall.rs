//! Stall: a byte, and all after it, wait for good.

use super::{Chunk, Rule, Verdict};

/// Stops one direction at a given offset, and keeps the connection open.
pub(super) struct Stall {
    at: u64,
}

impl Stall {
    pub(super) const fn new(at: u64) -> Self {
        Self { at }
    }
}

impl Rule for Stall {
    fn judge(&mut self, chunk: &Chunk<'_>) -> Verdict {
        chunk.from(self.at, Verdict::Stall)
    }
}
