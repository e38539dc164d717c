//! Half-close: one direction ends in good order, the other goes on.

use super::{Chunk, Rule, Verdict};

/// Closes one direction at a given offset.
pub(super) struct HalfClose {
    at: u64,
}

impl HalfClose {
    pub(super) const fn new(at: u64) -> Self {
        Self { at }
    }
}

impl Rule for HalfClose {
    fn judge(&mut self, chunk: &Chunk<'_>) -> Verdict {
        chunk.from(self.at, Verdict::Close)
    }
}
