//! What the judge needs to know of one cell: the transcript boiled down to yes and no.

use pgtls_mock_server::{
    trace::{Outcome, Trace},
    transcript::{Connection, Observation, Proof, Sender, What},
};

use super::{leak::Secrets, quote::Quotable};

/// What the client said of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Connected, with these rows.
    Connected {
        /// The rows of the query, each a list of columns.
        rows: Vec<Vec<String>>,
        /// Whether it says the connection is encrypted, if it says.
        tls: Option<bool>,
    },
    /// Failed, with every text that the application sees.
    Failed(String),
    /// Unsupported and no connection made, with this reason; but there was one.
    Unsupported(String),
    /// Nothing by the deadline.
    Hang,
    /// It died, or what it said was not the contract's.
    Crash,
}

/// Everything that a verdict rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The trace, its outcome being `hang` or `crash` where the client's was.
    pub trace: Trace,
    /// What the client said.
    pub claim: Claim,
    /// A StartupMessage came unencrypted.
    pub plaintext_startup: bool,
    /// The password, or something computed from it, came unencrypted.
    pub plaintext_password: bool,
    /// A CancelRequest came unencrypted.
    pub plaintext_cancel: bool,
    /// A StartupMessage came inside TLS.
    pub encrypted_startup: bool,
    /// Behind stuffed bytes and a handshake, a message came that nobody had asked for.
    pub out_of_turn_inside_tls: bool,
    /// A password, its MD5 or the proof of a mechanism that binds nothing came. One that is bound
    /// to another thing than the server's channel drops nothing: it is refused.
    pub unbound_proof: bool,
    /// A bound SCRAM proof came, and it was right.
    pub bound: bool,
    /// The query came.
    pub query: bool,
    /// A text that the server sent unencrypted is in what the application sees.
    pub clear_text_reached_application: bool,
    /// The number that the query asked for and the server answered.
    pub number: i32,
}

impl Facts {
    /// Boils a transcript down.
    #[must_use]
    pub fn of(observation: &Observation, claim: Claim, secrets: &Secrets) -> Self {
        let connections = &observation.connections;
        let client = |wanted: fn(&What) -> bool, encrypted: bool| {
            connections.iter().flat_map(|connection| &connection.entries).any(|entry| {
                entry.sender == Sender::Client
                    && entry.encrypted == encrypted
                    && wanted(&entry.what)
            })
        };
        let anywhere = |wanted: fn(&What) -> bool| client(wanted, true) || client(wanted, false);
        let mut trace = observation.trace.clone();
        match claim {
            Claim::Hang => trace.outcome = Outcome::Hang,
            Claim::Crash => trace.outcome = Outcome::Crash,
            _ => {}
        }
        Self {
            trace,
            plaintext_startup: client(|what| matches!(what, What::Startup { .. }), false),
            plaintext_password: client(
                |what| matches!(what, What::Proof(proof) if proof.reveals()),
                false,
            ) || connections
                .iter()
                .any(|connection| leaks(connection, secrets)),
            plaintext_cancel: client(|what| matches!(what, What::CancelRequest), false),
            encrypted_startup: client(|what| matches!(what, What::Startup { .. }), true),
            out_of_turn_inside_tls: client(|what| matches!(what, What::OutOfTurn(_)), true),
            unbound_proof: anywhere(|what| {
                matches!(
                    what,
                    What::Proof(
                        Proof::Password { .. }
                            | Proof::Md5 { .. }
                            | Proof::SaslFinal { plus: false, .. }
                    )
                )
            }),
            bound: anywhere(|what| {
                matches!(what, What::Proof(Proof::SaslFinal { bound: true, right: true, .. }))
            }),
            query: anywhere(|what| matches!(what, What::Query(_))),
            clear_text_reached_application: match &claim {
                Claim::Failed(text) | Claim::Unsupported(text) => {
                    quotes_clear_text(connections, secrets, text)
                }
                Claim::Connected { rows, .. } => rows
                    .iter()
                    .flatten()
                    .any(|value| quotes_clear_text(connections, secrets, value)),
                Claim::Hang | Claim::Crash => false,
            },
            number: secrets.number,
            claim,
        }
    }
}

/// In what crossed in clear: bytes outside of TLS, and the names in a ClientHello.
fn leaks(connection: &Connection, secrets: &Secrets) -> bool {
    let hello = connection.tls.iter().flat_map(|tls| tls.sni.iter().chain(&tls.alpn_offered));
    secrets.leak_into(&connection.clear_from_client, &connection.challenges)
        || hello.into_iter().any(|name| secrets.leak_into(name.as_bytes(), &connection.challenges))
}

/// Whether a text quotes an ErrorResponse that crossed in clear: the part of it that no other cell
/// shares, or its words.
fn quotes_clear_text(connections: &[Connection], secrets: &Secrets, text: &str) -> bool {
    let text = Quotable::new(text);
    let entries = connections.iter().flat_map(|connection| &connection.entries);
    text.quotes(&secrets.clear_text)
        || entries.filter(|entry| entry.sender == Sender::Server && !entry.encrypted).any(|entry| {
            match &entry.what {
                What::Backend { tag: b'E', summary, .. } => summary
                    .split(&['(', ')'][..])
                    .any(|words| words.trim().len() >= LEAST_QUOTE && text.quotes(words)),
                _ => false,
            }
        })
}

/// Fewer characters may be a client's own words as well: a SQLSTATE, "connection refused".
const LEAST_QUOTE: usize = 24;
