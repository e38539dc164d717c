//! Hostile servers made up at random, and shrunk to what breaks an invariant.
//!
//! A scenario is axes and rules for the wire; both are values, so that it can be written to a
//! file and run again. Only the safety invariants judge it: the reference knows no such wire.

use pgtls_mock_server::{RuleSpec, Seed};
use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use crate::{
    axes::{AXES, Axes},
    judge::Invariant,
};

/// A server and a client's settings, made up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// The settings.
    pub axes: Axes,
    /// What happens to the bytes on the wire.
    pub rules: Vec<RuleSpec>,
}

/// A scenario that broke an invariant: what `pgtls replay` reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counterexample {
    /// The version of this format, 1.
    pub schema: u32,
    /// The stack's name, or a shim's command line.
    pub stack: String,
    /// Whether `stack` is a command line.
    #[serde(default)]
    pub is_command: bool,
    /// The axes that differ from their default, as in a cell's id.
    pub axes: String,
    /// What happens to the bytes on the wire.
    pub rules: Vec<RuleSpec>,
    /// What broke.
    pub broken: Vec<Invariant>,
    /// The seed that it came from.
    pub seed: Seed,
}

/// The version of a counterexample's format.
pub const SCHEMA: u32 = 1;

impl Counterexample {
    /// Reads a counterexample.
    ///
    /// # Errors
    ///
    /// If the text is not a counterexample's JSON, or of another schema.
    pub fn from_json(text: &str) -> Result<Self, crate::Error> {
        crate::results::of_schema(text, "a counterexample", SCHEMA)
    }
}

/// As far into a connection as rules reach: past the handshake and into the login.
const DEEPEST: u64 = 4096;

impl Scenario {
    /// The scenario of that seed. Axes that a stack does not support are left alone by `keep`,
    /// which says whether a stack can be asked for these axes.
    #[must_use]
    pub fn made_up(seed: Seed, keep: impl Fn(&Axes) -> bool) -> Self {
        let mut rng = seed.rng();
        let mut axes = Axes::default();
        for axis in AXES {
            let values = (axis.values)();
            // The mode is always drawn; of the others about one in three.
            if axis.name != "sslmode" && rng.random_range(0..3) != 0 {
                continue;
            }
            let before = axes.clone();
            let value = values[rng.random_range(0..values.len())];
            if axes.set(axis.name, value).is_err() || !keep(&axes) {
                axes = before;
            }
        }
        let rules = (0..rng.random_range(0..3)).map(|_| rule(&mut rng)).collect();
        Self { axes, rules }
    }

    /// The same with one thing less, each possible thing in turn.
    #[must_use]
    pub fn smaller(&self) -> Vec<Self> {
        let fewer_rules = (0..self.rules.len()).map(|index| {
            let mut rules = self.rules.clone();
            rules.remove(index);
            Self { rules, ..self.clone() }
        });
        let default = Axes::default();
        let plainer = AXES
            .iter()
            .filter(|axis| axis.value(&self.axes) != axis.value(&default))
            .filter_map(|axis| {
                let mut axes = self.axes.clone();
                axes.set(axis.name, axis.value(&default)).ok()?;
                Some(Self { axes, ..self.clone() })
            });
        fewer_rules.chain(plainer).collect()
    }
}

fn rule(rng: &mut impl rand::Rng) -> RuleSpec {
    let at = rng.random_range(0..DEEPEST) >> rng.random_range(0..10);
    match rng.random_range(0..8) {
        0 => RuleSpec::SplitOutbound {
            at: (0..rng.random_range(1..20)).map(|step| at + step).collect(),
        },
        1 => RuleSpec::SplitInbound {
            at: (0..rng.random_range(1..20)).map(|step| at + step).collect(),
        },
        2 => RuleSpec::DelayOutbound { at, milliseconds: rng.random_range(1..50) },
        3 => RuleSpec::TruncateOutbound { at },
        4 => RuleSpec::ResetOutbound { at },
        5 => RuleSpec::ResetInbound { at },
        6 => RuleSpec::HalfCloseOutbound { at },
        _ => RuleSpec::DelayInbound { at, milliseconds: rng.random_range(1..50) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_makes_the_same_scenario_again() {
        let seed = Seed::new(7);
        assert_eq!(Scenario::made_up(seed, |_| true), Scenario::made_up(seed, |_| true));
        assert_ne!(Scenario::made_up(seed, |_| true), Scenario::made_up(Seed::new(8), |_| true));
    }

    #[test]
    fn shrinking_ends_at_the_honest_server() {
        let mut scenario = Scenario::made_up(Seed::new(1), |_| true);
        let mut steps = 0;
        while let Some(smaller) = scenario.smaller().pop() {
            scenario = smaller;
            steps += 1;
            assert!(steps < 100);
        }
        assert_eq!(scenario, Scenario { axes: Axes::default(), rules: Vec::new() });
    }

    #[test]
    fn what_is_not_to_be_asked_is_not_made_up() {
        for number in 0..50 {
            let scenario =
                Scenario::made_up(Seed::new(number), |axes| axes.sslmode.name() != "allow");
            assert_ne!(scenario.axes.sslmode.name(), "allow");
        }
    }
}
