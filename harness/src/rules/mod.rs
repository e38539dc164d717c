//! Rules: what happens to bytes on their way.
//!
//! Rules stand one behind the other, in the order of their installation: each sees what the ones
//! before it let pass, counts its offsets in that, and has a [`Verdict`] on every [`Chunk`]. The ones
//! that come with this crate are the variants of [`RuleSpec`]:
//!
//! | rule | what it does |
//! | --- | --- |
//! | split, coalesce | other segments, the same bytes |
//! | delay, jitter, bandwidth | other times, the same bytes |
//! | corrupt, duplicate | other bytes |
//! | truncate, stall | bytes vanish, or wait for good; the connection stays open |
//! | half-close, reset | FIN, or RST, in place of a byte |
//!
//! Another one is a closure, or a type with [`Rule`]:
//!
//! ```
//! use pgtls_harness::{Direction, Wire, memory, rules::{Chunk, Verdict}};
//! use tokio::io::AsyncWriteExt;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let (_client, server) = memory::pair();
//! let mut wire = Wire::new(server);
//! wire.install_rule(|chunk: &Chunk<'_>| match chunk.direction {
//!     Direction::Outbound if chunk.bytes.contains(&0) => Verdict::Reset,
//!     _ => Verdict::Pass,
//! });
//! wire.write_all(b"no zero").await?;
//! assert!(wire.write_all(b"\0").await.is_err());
//! # Ok(())
//! # }
//! ```
//!
//! One rule, one file, and its entry in the table in `spec.rs`; see `README.md` beside it.

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
