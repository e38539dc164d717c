//! Reset: RST in place of a byte.

use super::{Chunk, Direction, Rule, Verdict};

/// Resets the connection at a given offset of one direction.
#[derive(Debug, Clone)]
pub struct Reset {
    direction: Direction,
    at: u64,
}

impl Reset {
    /// Resets in place of the byte of `direction` at offset `at`.
    #[must_use]
    pub const fn new(direction: Direction, at: u64) -> Self {
        Self { direction, at }
    }
}

impl Rule for Reset {
    fn judge(&mut self, chunk: &Chunk<'_>) -> Verdict {
        if chunk.direction != self.direction {
            return Verdict::Pass;
        }
        match chunk.position(self.at) {
            None => Verdict::Pass,
            Some(0) => Verdict::Reset,
            Some(before) => Verdict::Split(before),
        }
    }
}
