//! Moves: how a scenario becomes another one. Each is one file, and one entry of the table.
//!
//! A move changes one thing, and leaves a scenario alone that has no place for it.

mod answer;
mod connection;
mod definition;
mod disorder;
mod ending;
mod field;
mod flood;
mod injection;
mod insertion;
mod login;
mod rewrite;
mod settings;
mod splice;
mod table;
mod tls;
mod wire;

pub(super) use self::{definition::Surroundings, table::one};
