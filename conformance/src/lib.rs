//! The reference of libpq, the judge, and the runner that drives stacks over the shim contract.
//!
//! | module | holds |
//! | --- | --- |
//! | [`axes`], [`Cell`], [`Filter`] | the settings of one cell, its id, and choosing among cells |
//! | [`suite`] | which cells there are |
//! | [`reference`](mod@reference) | what libpq would do |
//! | [`shim`] | the shim contract, and a shim's process |
//! | [`runner`] | many cells over many stacks |
//! | [`judge`] | verdicts |
//! | [`transcript`] | a transcript's lines in words |
//! | [`check()`](check()), [`fuzz()`](fuzz()) | both as a driver's own tests call them |
//! | [`fuzz`](mod@fuzz) | hostile servers made up at random |
//! | [`sweep`] | an honest login, disturbed at every byte |
//! | [`results`], [`baseline`], [`diff`](mod@diff) | what came out, what was known, what changed |

pub mod axes;
pub mod baseline;
mod cell;
pub mod diff;
mod downstream;
mod error;
mod filter;
pub mod fuzz;
#[doc(hidden)]
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub mod judge;
pub mod names;
pub mod providers;
pub mod reference;
pub mod results;
pub mod runner;
pub mod shim;
pub mod suite;
pub mod sweep;
mod texts;
pub mod transcript;
mod words;
mod written;

pub use cell::Cell;
pub use downstream::{Check, Failure, Fuzz, check, fuzz};
pub use error::Error;
pub use filter::Filter;
pub use suite::Suite;
pub use texts::Texts;
pub use written::Written;
