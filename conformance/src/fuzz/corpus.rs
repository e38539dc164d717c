//! The corpus: scenarios that showed something new.

use std::{collections::HashSet, sync::Arc};

use super::scenario::Scenario;

/// More than this many entries are no longer mutated often enough to be worth it.
const MOST: usize = 4096;
/// What is larger as JSON is left out: what is changed again and again grows, and all of it is held.
const LARGEST: usize = 16 * 1024;

/// Scenarios that showed something new, in the order in which they did; nothing is ever taken away,
/// so that a length tells what was there at a time.
#[derive(Debug, Default)]
pub(super) struct Corpus {
    entries: Vec<Arc<Scenario>>,
    seen: HashSet<u64>,
}

impl Corpus {
    /// Takes a scenario in, if one of the features is new and it is not too large; whether it did.
    pub(super) fn add(&mut self, scenario: &Arc<Scenario>, features: &[u64]) -> bool {
        let before = self.seen.len();
        self.seen.extend(features);
        let is_taken = self.seen.len() > before
            && self.entries.len() < MOST
            && scenario.to_string().len() <= LARGEST;
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

#[cfg(test)]
mod tests {
    use pgtls_mock_server::script::Script;

    use super::*;

    #[test]
    fn what_is_new_is_kept_unless_it_is_large() {
        let scenario = |text: &str| {
            let script = format!(
                r#"{{"connections": [{{"startup": [{{"send": [{{"text": "{text}"}}]}}]}}]}}"#
            );
            let script: Script = serde_json::from_str(&script).expect("a script");
            Arc::new(Scenario { script, ..Scenario::default() })
        };
        let mut corpus = Corpus::default();
        assert!(corpus.add(&scenario("a"), &[1, 2]));
        assert!(!corpus.add(&scenario("b"), &[2, 1]), "nothing is new");
        assert!(!corpus.add(&scenario(&"c".repeat(LARGEST)), &[3]), "too large");
        assert!(corpus.add(&scenario("d"), &[4]));
        assert_eq!((corpus.len(), corpus.first(1).len()), (2, 1));
    }
}
