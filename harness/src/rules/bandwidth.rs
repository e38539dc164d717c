//! Bandwidth: bytes come no faster than a line of this width carries them.

use std::{num::NonZeroU64, time::Duration};

use super::{Chunk, Rule, Verdict};

/// How many parts what passes in a second comes in: chosen so that the peer sees a trickle, and the
/// timer, which knows milliseconds, is still exact.
const PARTS_PER_SECOND: u64 = 20;

/// Has every part of a stream wait for as long as it takes to be carried.
pub(super) struct Bandwidth {
    bytes_per_second: NonZeroU64,
    /// The next part has waited.
    carried: bool,
}

impl Bandwidth {
    pub(super) const fn new(bytes_per_second: NonZeroU64) -> Self {
        Self { bytes_per_second, carried: false }
    }
}

impl Rule for Bandwidth {
    fn judge(&mut self, chunk: &Chunk<'_>) -> Verdict {
        let rate = self.bytes_per_second.get();
        let part = (rate / PARTS_PER_SECOND).max(1).min(chunk.bytes.len() as u64);
        self.carried = !self.carried;
        if self.carried {
            // A part takes a second at the most, that of a single byte.
            let nanoseconds = u128::from(part) * 1_000_000_000 / u128::from(rate);
            Verdict::AskAgain(Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX)))
        } else {
            Verdict::Split(usize::try_from(part).unwrap_or(usize::MAX))
        }
    }
}
