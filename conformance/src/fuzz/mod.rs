//! Hostile servers made up at random, and shrunk to what breaks an invariant.
//!
//! A [`Scenario`] is a script, what the wire does, and what the client is told: values, so that it can
//! be written to a file and run again. Only the safety invariants judge it.
//!
//! | file | holds |
//! | --- | --- |
//! | `generate.rs` | the scenario of a number: a fresh one, or one of the corpus changed by moves |
//! | `grammar/` | what a server may say: numbers, texts, values, messages |
//! | `moves/` | how a scenario becomes another one, a move a file |
//! | `features.rs`, `corpus.rs` | what a run showed; the scenarios that showed something new |
//! | `hunt.rs` | many scenarios against one stack |
//! | `reduce.rs`, `shrink.rs` | what is less of a scenario; the least of it that still breaks |
//! | `difference.rs` | the same scenarios on several stacks, and who stands alone |
//! | `shape.rs`, `finding.rs`, `counterexample.rs` | what tells findings apart, what is told of them, and their file |

mod brief;
mod corpus;
mod counterexample;
mod difference;
mod draw;
mod features;
mod finding;
mod generate;
mod grammar;
mod hunt;
mod moves;
mod reduce;
mod scenario;
mod shape;
mod shrink;
mod sites;

pub use self::{
    counterexample::{Counterexample, SCHEMA},
    difference::{Difference, differences},
    finding::Finding,
    hunt::{Hunt, Hunted, Limits, Progress},
    scenario::Scenario,
    shrink::{MOST_SLOW_TRIES, MOST_TRIES},
};
