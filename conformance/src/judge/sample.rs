//! Cells that nobody measured, for tests.

use pgtls_mock_server::transcript::{Connection, Entry, EntryKind, Observation, Sender};

use super::secrets::Secrets;

/// Secrets of a cell that nobody drew.
pub(super) fn secrets() -> Secrets {
    Secrets {
        user: "any".to_owned(),
        password: "canary0123456789abcdef".to_owned(),
        clear_text: "spoofed0123456789abcdef".to_owned(),
        number: 4711,
    }
}

/// An entry of no size, at no time.
pub(super) fn entry(sender: Sender, encrypted: bool, what: EntryKind) -> Entry {
    Entry::new(sender, encrypted, what)
}

/// What was seen on these connections.
pub(super) fn observation(connections: Vec<Connection>) -> Observation {
    Observation::of(connections)
}

/// A connection with these entries.
pub(super) fn connection(entries: Vec<Entry>) -> Connection {
    Connection::of(entries)
}
