//! What a sweep over one stack came to.

use super::finding::Finding;
use crate::axes::Axes;

/// What a sweep over one stack came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Swept {
    /// The logins, each with how many bytes of it were disturbed.
    pub logins: Vec<SweptLogin>,
    /// Logins that do not succeed undisturbed, so that there was nothing to disturb.
    pub unswept: Vec<Unswept>,
    /// How many cases were run, those undisturbed among them.
    pub cases: u64,
    /// In how many of them a TLS handshake completed.
    pub handshakes: u64,
    /// How many cases the tool could not measure for want of its own means, though it tried again.
    pub inconclusive: u64,
    /// Whether every case was run: no interrupt came before.
    pub complete: bool,
    /// What broke, in an order that depends on no clock.
    pub findings: Vec<Finding>,
}

/// A login that was swept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SweptLogin {
    /// The login.
    pub login: Axes,
    /// How many bytes the server sends on a connection of it, and a few more: each was disturbed.
    pub bytes: u64,
}

/// A login that does not succeed undisturbed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unswept {
    /// The login.
    pub login: Axes,
    /// What came of it.
    pub reason: String,
}
