//! The corpus: scenarios that showed something new.

use std::{collections::HashSet, sync::Arc};

use super::scenario::Scenario;

/// More than this many entries are no longer mutated often enough to be worth it.
const MOST: usize = 4096;

/// Scenarios that showed something new, in the order in which they did; nothing is ever taken away,
/// so that a length tells what was there at a time.
#[derive(Debug, Default)]
pub(super) struct Corpus {
    entries: Vec<Arc<Scenario>>,
    seen: HashSet<u64>,
}

impl Corpus {
    /// Takes a scenario in, if one of the features is new; whether it did.
    pub(super) fn add(&mut self, scenario: &Arc<Scenario>, features: &[u64]) -> bool {
        let before = self.seen.len();
        self.seen.extend(features);
        let is_taken = self.seen.len() > before && self.entries.len() < MOST;
        if is_taken {
            self.entries.push(Arc::clone(scenario));
        }
        is_taken
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The first of them, so many.
    pub(super) fn first(&self, count: usize) -> &[Arc<Scenario>] {
        &self.entries[..count.min(self.entries.len())]
    }
}
