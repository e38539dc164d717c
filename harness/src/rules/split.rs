//! Split: bytes come in pieces that end at given offsets.

use super::{Chunk, Direction, Rule, Verdict};

/// Cuts one direction into pieces, each a write (or a read) of its own.
///
/// The kernel may still join pieces that wait together; put a [`Delay`](super::Delay) behind the
/// cut where the peer must not see them at once.
#[derive(Debug, Clone)]
pub struct Split {
    direction: Direction,
    at: Vec<u64>,
}

impl Split {
    /// Cuts `direction` before the byte at each of the offsets.
    #[must_use]
    pub fn new(direction: Direction, mut at: Vec<u64>) -> Self {
        at.sort_unstable();
        Self { direction, at }
    }
}

impl Rule for Split {
    fn judge(&mut self, chunk: &Chunk<'_>) -> Verdict {
        if chunk.direction != self.direction {
            return Verdict::Pass;
        }
        let next = self.at.partition_point(|&at| at <= chunk.offset);
        self.at.get(next).and_then(|&at| chunk.position(at)).map_or(Verdict::Pass, Verdict::Split)
    }
}
