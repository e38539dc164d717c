//! How much one session may ask for.

/// How long the answer to one message may get, in bytes: more than any honest one asks for.
pub(super) const MAX_ANSWER: usize = 4 << 20;
/// How long one row may get, in bytes: it is made in one piece.
pub(super) const MAX_ROW: usize = 256 * 1024;
/// How many of a kind a session remembers: parameters, statements, portals, savepoints.
pub(super) const MAX_REMEMBERED: usize = 1000;
/// What remembering anything costs beside its own bytes: a place in a map, a few allocations.
pub(super) const REMEMBERED: usize = 256;
