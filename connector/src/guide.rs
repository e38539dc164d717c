//! Pages to read besides the reference.

#[doc = include_str!("../docs/parameters.md")]
pub mod parameters {}

#[doc = include_str!("../docs/differences.md")]
pub mod differences {}

#[doc = include_str!("../docs/migration.md")]
pub mod migration {}

// The README's example is compiled with the others.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
