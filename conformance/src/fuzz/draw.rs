//! Chance: all of it is drawn by proptest, from one seed.

use pgtls_mock_server::Seed;
use proptest::{
    prelude::{Strategy, any},
    strategy::ValueTree as _,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use rand::Rng as _;

/// What is drawn from one seed, one thing after another.
#[derive(Debug)]
pub(super) struct Draw(TestRunner);

impl Draw {
    /// The same seed draws the same.
    pub(super) fn new(seed: Seed) -> Self {
        let mut bytes = [0; 32];
        seed.rng().fill_bytes(&mut bytes);
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let config = Config { failure_persistence: None, ..Config::default() };
        Self(TestRunner::new_with_rng(config, rng))
    }

    /// A value of a strategy.
    pub(super) fn of<S: Strategy>(&mut self, strategy: S) -> S::Value {
        let tree = strategy.new_tree(&mut self.0);
        // None of ours filters, so that none ever gives up.
        tree.unwrap_or_else(|reason| unreachable!("a strategy gave up: {reason}")).current()
    }

    /// Any value of a type.
    pub(super) fn any<T: proptest::arbitrary::Arbitrary>(&mut self) -> T {
        self.of(any::<T>())
    }

    /// A number from 0 up to, and without, `end`, which is at least 1.
    pub(super) fn below(&mut self, end: usize) -> usize {
        let end = end.max(1) as u64;
        // The bias is no more than `end` in 2^64.
        (self.0.rng().next_u64() % end) as usize
    }

    /// True once in so many times.
    pub(super) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of these.
    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// One of these, by their weights.
    pub(super) fn weighted<'a, T>(&mut self, from: &'a [T], weight: impl Fn(&T) -> u32) -> &'a T {
        let total: usize = from.iter().map(|it| weight(it) as usize).sum();
        let mut at = self.below(total);
        for it in from {
            match at.checked_sub(weight(it) as usize) {
                Some(rest) => at = rest,
                None => return it,
            }
        }
        &from[from.len() - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_draws_the_same_again() {
        let drawn = |seed| {
            let mut draw = Draw::new(Seed::new(seed));
            (draw.any::<u64>(), draw.below(1000), *draw.weighted(&[1, 2, 3], |&it| it))
        };
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
    }

    #[test]
    fn what_weighs_nothing_is_not_drawn() {
        let mut draw = Draw::new(Seed::new(1));
        for _ in 0..100 {
            assert_eq!(*draw.weighted(&[(0, 'a'), (1, 'b'), (0, 'c')], |it| it.0), (1, 'b'));
        }
    }
}
