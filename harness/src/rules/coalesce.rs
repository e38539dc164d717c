//! Coalesce: bytes that were sent one after the other come at once.

use super::{Chunk, Rule, Verdict};

/// Holds a range of bytes back until its last one is there.
pub(super) struct Coalesce {
    at: u64,
    end: u64,
}

impl Coalesce {
    pub(super) const fn new(at: u64, length: u16) -> Self {
        Self { at, end: at.saturating_add(length as u64) }
    }
}

impl Rule for Coalesce {
    fn judge(&mut self, chunk: &Chunk<'_>) -> Verdict {
        if chunk.offset >= self.end {
            return Verdict::Pass;
        }
        // The last byte of the range decides: with it, all that was held goes.
        match chunk.position(self.end - 1) {
            Some(last) if chunk.offset >= self.at => Verdict::Split(last + 1),
            _ => chunk.from(self.at, Verdict::Hold),
        }
    }
}
