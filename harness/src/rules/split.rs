//! Split: bytes come in pieces that end at given offsets.

use super::{Chunk, Rule, Verdict};

/// Cuts one direction into pieces, each a write (or a read) of its own.
///
/// The kernel may still join pieces that wait together; put a delay behind the
/// cut where the peer must not see them at once.
pub(super) struct Split {
    at: Vec<u64>,
}

impl Split {
    pub(super) fn new(mut at: Vec<u64>) -> Self {
        at.sort_unstable();
        Self { at }
    }
}

impl Rule for Split {
    fn judge(&mut self, chunk: &Chunk<'_>) -> Verdict {
        let next = self.at.partition_point(|&at| at <= chunk.offset);
        self.at.get(next).and_then(|&at| chunk.position(at)).map_or(Verdict::Pass, Verdict::Split)
    }
}
