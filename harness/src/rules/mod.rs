//! Rules: what happens to bytes on their way. One rule, one file, and its entry in the table in
//! `spec.rs`; see `README.md` beside it.

mod bandwidth;
mod coalesce;
mod corrupt;
mod delay;
mod duplicate;
mod half_close;
mod jitter;
mod reset;
mod rule;
mod spec;
mod split;
mod stall;
mod truncate;

pub use rule::{Chunk, Direction, Rule, Verdict};
pub use spec::RuleSpec;
