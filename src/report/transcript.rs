//! The transcript of one cell, so that a fault is seen without a packet sniffer.

use std::fmt::Write as _;

use pgtls_conformance::transcript;
use pgtls_mock_server::transcript::Observation;

use crate::foreign::Foreign;

/// Every connection with every message both ways: time, direction, whether encrypted, size, what.
#[must_use]
pub fn render(observation: &Observation) -> String {
    let mut text = String::new();
    for (number, connection) in observation.connections.iter().enumerate() {
        let _ =
            writeln!(text, "connection {} at {:.3} ms", number + 1, millis(connection.accepted));
        for entry in &connection.entries {
            let size = if entry.size == 0 { String::new() } else { format!("{} B", entry.size) };
            let _ = writeln!(
                text,
                "  {:>10.3}  {}  {size:>7}  {}",
                millis(entry.at),
                transcript::direction(entry),
                Foreign(&transcript::words(entry, connection.tls.as_ref()))
            );
        }
    }
    text
}

fn millis(duration: std::time::Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
