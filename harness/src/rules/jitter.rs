//! Jitter: each chunk comes later by a delay of its own.

use std::time::Duration;

use rand::RngExt;

use super::{Chunk, Rule, Verdict};
use crate::Seed;

/// Draws a delay for each chunk; the same seed draws the same delays.
pub(super) struct Jitter {
    seed: Seed,
    most_milliseconds: u64,
    chunks: u64,
}

impl Jitter {
    pub(super) const fn new(seed: Seed, most_milliseconds: u64) -> Self {
        Self { seed, most_milliseconds, chunks: 0 }
    }
}

impl Rule for Jitter {
    fn judge(&mut self, _: &Chunk<'_>) -> Verdict {
        let mut rng = self.seed.nth(self.chunks).rng();
        self.chunks += 1;
        Verdict::Delay(Duration::from_millis(rng.random_range(0..=self.most_milliseconds)))
    }
}
