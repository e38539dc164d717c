//! The transcript of one cell, so that a fault is seen without a packet sniffer.

use std::fmt::Write as _;

use pgtls_mock_server::transcript::{Entry, EntryKind, Observation, Proof, Sender};

use crate::foreign::Foreign;

/// Every connection with every message both ways: time, direction, whether encrypted, size, what.
#[must_use]
pub fn render(observation: &Observation) -> String {
    let mut text = String::new();
    for (number, connection) in observation.connections.iter().enumerate() {
        let _ =
            writeln!(text, "connection {} at {:.3} ms", number + 1, millis(connection.accepted));
        for entry in &connection.entries {
            let arrow = match entry.sender {
                Sender::Client => "client →",
                Sender::Server => "← server",
            };
            let lock = if entry.encrypted { "tls  " } else { "clear" };
            let size = if entry.size == 0 { String::new() } else { format!("{} B", entry.size) };
            let _ = writeln!(
                text,
                "  {:>10.3}  {arrow}  {lock}  {size:>7}  {}",
                millis(entry.at),
                Foreign(&tell(entry, connection.tls.as_ref()))
            );
        }
    }
    text
}

fn millis(duration: std::time::Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// An entry on one line, with what the client sent as it sent it.
fn tell(entry: &Entry, tls: Option<&pgtls_mock_server::transcript::TlsFacts>) -> String {
    match &entry.what {
        EntryKind::Event(event) => format!("[{}]", event.name()),
        EntryKind::SslRequest => "SSLRequest".to_owned(),
        EntryKind::GssEncRequest => "GSSENCRequest".to_owned(),
        EntryKind::NegotiationByte(byte) => format!("'{}'", byte.escape_ascii()),
        EntryKind::CancelRequest => "CancelRequest".to_owned(),
        EntryKind::ClientHello => {
            let Some(tls) = tls else { return "ClientHello".to_owned() };
            format!(
                "ClientHello: SNI {}, ALPN {}, {}",
                tls.sni.as_deref().unwrap_or("none"),
                if tls.alpn_offered.is_empty() {
                    "none".to_owned()
                } else {
                    tls.alpn_offered.join(" ")
                },
                tls.versions_offered.join(" ")
            )
        }
        EntryKind::HandshakeComplete => {
            let facts = tls.map(|tls| [&tls.version, &tls.cipher, &tls.alpn]);
            let known: Vec<&str> =
                facts.iter().flatten().filter_map(|fact| fact.as_deref()).collect();
            format!("TLS handshake complete: {}", known.join(", "))
        }
        EntryKind::HandshakeFailed(why) => format!("TLS handshake failed: {why}"),
        EntryKind::Alert(alert) => format!("TLS alert: {alert}"),
        EntryKind::Startup { protocol: (major, minor), parameters } => {
            let parameters: Vec<String> =
                parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
            format!("StartupMessage {major}.{minor}: {}", parameters.join(" "))
        }
        EntryKind::Proof(proof) => match proof {
            Proof::Password { right } => {
                format!("PasswordMessage: the password itself, {}", rightness(*right))
            }
            Proof::Md5 { right } => format!("PasswordMessage: MD5, {}", rightness(*right)),
            Proof::SaslInitial { plus } => {
                format!("SASLInitialResponse: SCRAM-SHA-256{}", if *plus { "-PLUS" } else { "" })
            }
            Proof::SaslFinal { bound, right, .. } => {
                let bound = if *bound { "bound to the channel" } else { "not bound" };
                format!("SASLResponse: the proof, {bound}, {}", rightness(*right))
            }
            _ => "a proof".to_owned(),
        },
        EntryKind::Frontend { name, summary, .. } | EntryKind::Backend { name, summary, .. } => {
            format!("{name} {summary}").trim_end().to_owned()
        }
        EntryKind::Query(query) => format!("the cell's query: {query}"),
        EntryKind::OutOfTurn(what) => format!("out of turn: {what}"),
        EntryKind::Hostile(what) => format!("wrong on purpose: {what}"),
        EntryKind::Junk(bytes) => {
            let shown = bytes.len().min(24);
            format!(
                "no message: {}{}",
                bytes[..shown].escape_ascii(),
                if shown < bytes.len() { "…" } else { "" }
            )
        }
        EntryKind::Closed => "closes".to_owned(),
        EntryKind::Reset => "resets".to_owned(),
        EntryKind::TimedOut => "the server's deadline passed".to_owned(),
        EntryKind::SessionBroken(why) => format!("the TLS session broke: {why}"),
        EntryKind::ServerFailed => "the mock server itself failed".to_owned(),
        other => format!("{other:?}"),
    }
}

fn rightness(right: bool) -> &'static str {
    if right { "right" } else { "wrong" }
}
