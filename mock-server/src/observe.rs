//! What transcripts come to: the trace of a server's connections.

use crate::{
    trace::{Event, Outcome, Trace},
    transcript::{Connection, EntryKind, Observation},
};

/// Condenses transcripts into a trace. The outcome is that of the last query on the last connection
/// that has one, in the order of acceptance.
pub(crate) fn observe(connections: Vec<Connection>, forgotten: u64) -> Observation {
    let mut trace = Trace::default();
    for connection in &connections {
        let mut events: Vec<Event> = Vec::new();
        for entry in &connection.entries {
            match entry.what {
                EntryKind::Event(event) => events.push(event),
                EntryKind::Query(_) if entry.encrypted => trace.outcome = Outcome::Ssl,
                EntryKind::Query(_) => trace.outcome = Outcome::Plain,
                _ => {}
            }
        }
        trace.connections.push(events);
    }
    Observation { trace, connections, forgotten }
}
