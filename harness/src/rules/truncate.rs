//! Truncate: a byte, and all after it, vanish, while the connection stays open.

use super::{Chunk, Rule, Verdict};

/// Ends one direction without telling anybody.
pub(super) struct Truncate {
    at: u64,
}

impl Truncate {
    pub(super) const fn new(at: u64) -> Self {
        Self { at }
    }
}

impl Rule for Truncate {
    fn judge(&mut self, chunk: &Chunk<'_>) -> Verdict {
        chunk.from(self.at, Verdict::Swallow)
    }
}
