//! Reset: RST in place of a byte.

use super::{Chunk, Rule, Verdict};

/// Resets the connection at a given offset of one direction.
pub(super) struct Reset {
    at: u64,
}

impl Reset {
    pub(super) const fn new(at: u64) -> Self {
        Self { at }
    }
}

impl Rule for Reset {
    fn judge(&mut self, chunk: &Chunk<'_>) -> Verdict {
        chunk.from(self.at, Verdict::Reset)
    }
}
