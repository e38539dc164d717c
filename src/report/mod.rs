//! Results for people and for programs: table, Markdown, JSON, JUnit.

mod again;
pub mod findings;
mod grid;
mod inconclusive;
pub mod junit;
pub mod markdown;
mod never;
pub mod table;
pub mod transcript;
mod words;

pub use again::Again;
pub use grid::{Grid, Row, grids};
