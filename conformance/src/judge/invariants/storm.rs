//! How often a client may connect.

use super::definition::Definition;
use crate::transcript::Position;

/// As many connections as one connect call may open. libpq opens at most three to an address, for GSS
/// encryption, TLS and plaintext, and `localhost` has two addresses: six, and some room.
pub(super) const MOST: usize = 8;

pub(super) const STORM: Definition = Definition {
    broken_when: "more than 8 connections for one connect call",
    why: "one connect call floods the server",
    source: "libpq tries each way to encrypt once for an address: fe-connect.c, select_next_encryption_method",
    evidence: |facts| {
        let is_storm = facts.trace.connections.len() > MOST;
        is_storm.then(|| vec![Position::connection(MOST)])
    },
};
