//! The suites: which cells are asked of every stack, enumerated by rule.

mod cancel;
mod core;
pub(crate) mod cube;
mod full;
mod suites;

pub use self::suites::Suite;
