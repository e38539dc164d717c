//! What makes an invariant.

use super::super::facts::Facts;
use crate::transcript::Position;

/// One safety invariant: a condition on the facts of a cell, and why it is one.
#[derive(Debug)]
pub(super) struct Definition {
    /// When it is broken, as the contract says.
    pub(super) broken_when: &'static str,
    /// Why it matters, in one sentence for somebody who does not know TLS.
    pub(super) why: &'static str,
    /// Where the promise stands that is broken: a section of PostgreSQL's documentation, an RFC, a CVE.
    pub(super) source: &'static str,
    /// What in the transcript breaks it; none where it holds. It may be broken though nothing in the
    /// transcript shows it.
    pub(super) evidence: fn(&Facts<'_>) -> Option<Vec<Position>>,
}

/// The evidence where an invariant is broken by each of these: by none of them, where there are none.
pub(super) fn broken_by(positions: Vec<Position>) -> Option<Vec<Position>> {
    (!positions.is_empty()).then_some(positions)
}
