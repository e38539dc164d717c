//! `pgtls fuzz` and `pgtls replay`: hostile servers made up at random, and their counterexamples again.
//!
//! - `command.rs`: the hunt on each stack; `hunted.rs`: one stack, and what came of it.
//! - `corpus.rs`: what one hunt leaves to the next.
//! - `findings.rs`: the files of findings; `elsewhere.rs`: which other stacks break on them.
//! - `told.rs`: what people and programs are told; `progress.rs`: meanwhile.
//! - `replay.rs`: findings again.

mod command;
mod corpus;
mod elsewhere;
mod findings;
mod hunted;
mod progress;
mod replay;
mod told;

pub(super) use self::{command::Fuzz, replay::Replay};
