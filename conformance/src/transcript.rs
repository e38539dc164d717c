//! Lines of a transcript in words: as they are printed, and as evidence, in which nothing stands that
//! two runs do not share.

use pgtls_mock_server::transcript::{Entry, EntryKind, Observation, Proof, Sender, TlsFacts};

/// As many of a client's own bytes as are printed where they are no message.
const JUNK_SHOWN: usize = 24;

/// Where in a transcript something stands; both count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Position {
    /// Which connection, in the order of acceptance.
    pub connection: usize,
    /// Which of its entries; none where it is the connection as a whole.
    pub entry: Option<usize>,
}

impl Position {
    /// An entry of a connection.
    #[must_use]
    pub const fn entry(connection: usize, entry: usize) -> Self {
        Self { connection, entry: Some(entry) }
    }

    /// A connection as a whole.
    #[must_use]
    pub const fn connection(connection: usize) -> Self {
        Self { connection, entry: None }
    }
}

/// Who sent an entry, and whether it was encrypted: two columns.
#[must_use]
pub fn direction(entry: &Entry) -> String {
    let arrow = match entry.sender {
        Sender::Client => "client →",
        Sender::Server => "← server",
    };
    format!("{arrow}  {}", if entry.encrypted { "tls  " } else { "clear" })
}

/// What an entry is, with what the client sent as it sent it; the session's facts tell what stood in
/// its ClientHello.
#[must_use]
pub fn words(entry: &Entry, tls: Option<&TlsFacts>) -> String {
    match &entry.what {
        EntryKind::Event(event) => format!("[{}]", event.name()),
        EntryKind::SslRequest => "SSLRequest".to_owned(),
        EntryKind::GssEncRequest => "GSSENCRequest".to_owned(),
        EntryKind::NegotiationByte(byte) => format!("'{}'", byte.escape_ascii()),
        EntryKind::CancelRequest => "CancelRequest".to_owned(),
        EntryKind::ClientHello => match tls {
            None => "ClientHello".to_owned(),
            Some(tls) => format!(
                "ClientHello: SNI {}, ALPN {}, {}",
                tls.sni.as_deref().unwrap_or("none"),
                match tls.alpn_offered.as_slice() {
                    [] => "none".to_owned(),
                    offered => offered.join(" "),
                },
                tls.versions_offered.join(" ")
            ),
        },
        EntryKind::HandshakeComplete => {
            let facts = tls.map(|tls| [&tls.version, &tls.cipher, &tls.alpn]);
            let known: Vec<&str> =
                facts.iter().flatten().filter_map(|fact| fact.as_deref()).collect();
            format!("TLS handshake complete: {}", known.join(", "))
        }
        EntryKind::HandshakeFailed(why) => format!("TLS handshake failed: {why}"),
        EntryKind::Alert(alert) => format!("TLS alert: {alert}"),
        EntryKind::Startup { protocol, parameters } => {
            let parameter = |(name, value): &(String, String)| format!("{name}={value}");
            startup(*protocol, parameters.iter().map(parameter))
        }
        EntryKind::Proof(proof) => self::proof(*proof),
        EntryKind::Frontend { name, summary, .. } | EntryKind::Backend { name, summary, .. } => {
            format!("{name} {summary}").trim_end().to_owned()
        }
        EntryKind::ServerSignature { right: true } => "AuthenticationSASLFinal".to_owned(),
        EntryKind::ServerSignature { right: false } => {
            "AuthenticationSASLFinal: not the server's signature".to_owned()
        }
        EntryKind::Query(query) => format!("the cell's query: {query}"),
        EntryKind::OutOfTurn(what) => format!("out of turn: {what}"),
        EntryKind::Hostile(what) => format!("wrong on purpose: {what}"),
        EntryKind::Junk(bytes) => {
            let shown = bytes.len().min(JUNK_SHOWN);
            let more = if shown < bytes.len() { "…" } else { "" };
            format!("no message: {}{more}", bytes[..shown].escape_ascii())
        }
        EntryKind::Closed => "closes".to_owned(),
        EntryKind::Reset => "resets".to_owned(),
        EntryKind::TimedOut => "the server's deadline passed".to_owned(),
        EntryKind::SessionBroken(why) => format!("the TLS session broke: {why}"),
        EntryKind::ServerFailed => "the mock server itself failed".to_owned(),
        other => format!("{other:?}"),
    }
}

fn startup(
    (major, minor): (u16, u16),
    parameters: impl Iterator<Item = impl AsRef<str>>,
) -> String {
    parameters.fold(format!("StartupMessage {major}.{minor}:"), |line, parameter| {
        line + " " + parameter.as_ref()
    })
}

fn proof(proof: Proof) -> String {
    let rightness = |right: bool| if right { "right" } else { "wrong" };
    match proof {
        Proof::Password { right } => {
            format!("PasswordMessage: the password itself, {}", rightness(right))
        }
        Proof::Md5 { right } => format!("PasswordMessage: MD5, {}", rightness(right)),
        Proof::SaslInitial { plus } => {
            format!("SASLInitialResponse: SCRAM-SHA-256{}", if plus { "-PLUS" } else { "" })
        }
        Proof::SaslFinal { bound, right, .. } => {
            let bound = if bound { "bound to the channel" } else { "not bound" };
            format!("SASLResponse: the proof, {bound}, {}", rightness(right))
        }
        _ => "a proof".to_owned(),
    }
}

/// What stands at a position, on one line: the connection's number as the transcript counts it, from 1,
/// and the entry without its time, its size, and whatever a client may have drawn anew.
#[must_use]
pub fn line(observation: &Observation, position: Position) -> String {
    let number = position.connection + 1;
    let connection = observation.connections.get(position.connection);
    let entry = connection
        .zip(position.entry)
        .and_then(|(connection, entry)| connection.entries.get(entry));
    match entry {
        Some(entry) => format!("connection {number}  {}  {}", direction(entry), lasting(entry)),
        None => format!("connection {number}  accepted"),
    }
}

/// What an entry is, without values that are the client's to choose: keys, names and numbers in them
/// may be new in each run, and a password may hide in them.
fn lasting(entry: &Entry) -> String {
    match &entry.what {
        EntryKind::ClientHello => "ClientHello".to_owned(),
        EntryKind::Startup { protocol, parameters } => {
            // A driver that keeps them in a hash table sends them in any order.
            let mut names: Vec<&String> = parameters.iter().map(|(name, _)| name).collect();
            names.sort();
            startup(*protocol, names.into_iter())
        }
        EntryKind::Frontend { name, .. } => (*name).to_owned(),
        EntryKind::Junk(_) => "no message".to_owned(),
        _ => words(entry, None),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pgtls_mock_server::transcript::Connection;

    use super::*;

    fn entry(sender: Sender, encrypted: bool, what: EntryKind) -> Entry {
        let mut entry = Entry::new(sender, encrypted, what);
        (entry.at, entry.size) = (Duration::from_millis(7), 28);
        entry
    }

    #[test]
    fn evidence_holds_neither_times_nor_what_the_client_drew() {
        let startup = EntryKind::Startup {
            protocol: (3, 0),
            parameters: vec![
                ("user".to_owned(), "any".to_owned()),
                ("application_name".to_owned(), "process 4711".to_owned()),
            ],
        };
        let proof = EntryKind::Proof(Proof::Password { right: true });
        let connection = Connection::of(vec![
            entry(Sender::Client, false, startup),
            entry(Sender::Client, true, proof),
            entry(Sender::Client, false, EntryKind::Junk(vec![22, 3, 1, 99])),
        ]);
        let observation = Observation::of(vec![Connection::default(), connection]);
        for (position, told) in [
            (
                Position::entry(1, 0),
                "connection 2  client →  clear  StartupMessage 3.0: application_name user",
            ),
            (
                Position::entry(1, 1),
                "connection 2  client →  tls    PasswordMessage: the password itself, right",
            ),
            (Position::entry(1, 2), "connection 2  client →  clear  no message"),
            (Position::connection(0), "connection 1  accepted"),
            (Position::entry(7, 0), "connection 8  accepted"),
        ] {
            assert_eq!(line(&observation, position), told);
        }
        let printed = words(&observation.connections[1].entries[0], None);
        assert_eq!(printed, "StartupMessage 3.0: user=any application_name=process 4711");
    }
}
