//! Pages to read besides the reference.

#[doc = include_str!("../docs/parameters.md")]
pub mod parameters {}

#[doc = include_str!("../docs/differences.md")]
pub mod differences {}

#[doc = include_str!("../docs/migration.md")]
pub mod migration {}
