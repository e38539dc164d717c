//! What the judge needs to know of one cell: the transcript boiled down to yes and no.

use pgtls_mock_server::{
    RuleSpec,
    trace::{Event, Outcome, Trace},
    transcript::{Challenge, Connection, Entry, EntryKind, Observation, Proof, Sender},
};

use super::{
    leak::{Leak, Secrets},
    quote::Quotable,
};

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
    /// A login inside TLS succeeded, so that its cancel key was kept secret.
    pub encrypted_session: bool,
    /// Behind `S` and stuffed bytes, a message came that nobody had asked for, in TLS or without.
    pub out_of_turn_behind_s: bool,
    /// Behind `S` and stuffed bytes, the client began to log in and said farewell without having
    /// proved who it is: it takes the stuffed bytes for the end of its login, or cannot give the proof
    /// that it was asked for.
    pub farewell_without_login_behind_s: bool,
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
    /// The wire was told to lose bytes or to end, so that an answer may not have arrived.
    pub wire_is_cut: bool,
    /// The client did more than a server keeps of it: something may be missing above.
    pub transcript_is_incomplete: bool,
}

impl Facts {
    /// Boils a transcript down.
    #[must_use]
    pub fn of(
        observation: &Observation,
        claim: Claim,
        secrets: &Secrets,
        wire: &[RuleSpec],
    ) -> Self {
        let connections = &observation.connections;
        let client = |wanted: fn(&EntryKind) -> bool, encrypted: bool| {
            connections.iter().flat_map(|connection| &connection.entries).any(|entry| {
                entry.sender == Sender::Client
                    && entry.encrypted == encrypted
                    && wanted(&entry.what)
            })
        };
        let anywhere =
            |wanted: fn(&EntryKind) -> bool| client(wanted, true) || client(wanted, false);
        let challenges: Vec<Challenge> =
            connections.iter().flat_map(|connection| connection.challenges.clone()).collect();
        let leak = Leak::new(secrets, &challenges);
        let mut trace = observation.trace.clone();
        match claim {
            Claim::Hang => trace.outcome = Outcome::Hang,
            Claim::Crash => trace.outcome = Outcome::Crash,
            _ => {}
        }
        Self {
            trace,
            plaintext_startup: client(|what| matches!(what, EntryKind::Startup { .. }), false),
            plaintext_password: client(
                |what| matches!(what, EntryKind::Proof(proof) if proof.reveals()),
                false,
            ) || connections.iter().any(|connection| leaks(connection, &leak)),
            plaintext_cancel: client(|what| matches!(what, EntryKind::CancelRequest), false),
            encrypted_startup: client(|what| matches!(what, EntryKind::Startup { .. }), true),
            encrypted_session: connections.iter().any(|connection| {
                let authok = |entry: &Entry| {
                    entry.encrypted && entry.what == EntryKind::Event(Event::AuthOk)
                };
                connection.entries.iter().any(authok)
            }),
            out_of_turn_behind_s: connections.iter().any(speaks_out_of_turn_behind_s),
            farewell_without_login_behind_s: connections
                .iter()
                .any(says_farewell_without_login_behind_s),
            unbound_proof: anywhere(|what| {
                matches!(
                    what,
                    EntryKind::Proof(
                        Proof::Password { .. }
                            | Proof::Md5 { .. }
                            | Proof::SaslFinal { plus: false, .. }
                    )
                )
            }),
            bound: anywhere(|what| {
                matches!(what, EntryKind::Proof(Proof::SaslFinal { bound: true, right: true, .. }))
            }),
            query: anywhere(|what| matches!(what, EntryKind::Query(_))),
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
            wire_is_cut: wire.iter().any(cuts),
            transcript_is_incomplete: observation.forgotten > 0
                || connections
                    .iter()
                    .any(|connection| connection.forgotten > 0 || connection.clear_forgotten > 0),
            claim,
        }
    }
}

/// Segments and short delays lose nothing.
fn cuts(rule: &RuleSpec) -> bool {
    !matches!(
        rule,
        RuleSpec::SplitInbound { .. }
            | RuleSpec::SplitOutbound { .. }
            | RuleSpec::DelayInbound { .. }
            | RuleSpec::DelayOutbound { .. }
    )
}

fn speaks_out_of_turn_behind_s(connection: &Connection) -> bool {
    let accepted = |what: &EntryKind| *what == EntryKind::Event(Event::SslAccept);
    let mut entries = connection.entries.iter();
    entries.any(|entry| accepted(&entry.what))
        && entries.any(|entry| matches!(entry.what, EntryKind::OutOfTurn(_)))
}

/// Terminate behind a StartupMessage inside TLS, with no proof in between, where a login's end had been
/// stuffed behind `S`. Whenever that was: what tells is the order.
fn says_farewell_without_login_behind_s(connection: &Connection) -> bool {
    let is_stuffed = |entry: &Entry| {
        entry.sender == Sender::Server && matches!(entry.what, EntryKind::Hostile(_))
    };
    let mut entries = connection.entries.iter();
    if !entries.any(|entry| entry.what == EntryKind::Event(Event::SslAccept))
        || !entries.clone().any(is_stuffed)
        || !entries.any(|entry| matches!(entry.what, EntryKind::Startup { .. }) && entry.encrypted)
    {
        return false;
    }
    // An alert that came in the same segment is entered before the message.
    let answer = entries.find(|entry| {
        matches!(
            entry.what,
            EntryKind::Proof(_) | EntryKind::Frontend { .. } | EntryKind::OutOfTurn(_)
        )
    });
    answer.is_some_and(|entry| matches!(entry.what, EntryKind::Frontend { tag: b'X', .. }))
}

/// In what crossed in clear: bytes outside of TLS, and the names in a ClientHello.
fn leaks(connection: &Connection, leak: &Leak) -> bool {
    let mut hello = connection.tls.iter().flat_map(|tls| tls.sni.iter().chain(&tls.alpn_offered));
    leak.is_in(&connection.clear_from_client) || hello.any(|name| leak.is_in(name.as_bytes()))
}

/// Whether a text quotes an ErrorResponse that crossed in clear: half of the part of it that no
/// other cell shares, or its words.
fn quotes_clear_text(connections: &[Connection], secrets: &Secrets, text: &str) -> bool {
    let text = Quotable::new(text);
    let entries = connections.iter().flat_map(|connection| &connection.entries);
    text.quotes_half(&secrets.clear_text)
        || entries.filter(|entry| entry.sender == Sender::Server && !entry.encrypted).any(|entry| {
            match &entry.what {
                EntryKind::Backend { tag: b'E', summary, .. } => {
                    words(summary, &secrets.clear_text)
                        .any(|words| words.len() >= LEAST_QUOTE && text.quotes(words))
                }
                _ => false,
            }
        })
}

/// The words of an ErrorResponse, without the SQLSTATE before them and the canary among them: a
/// client may show them without either.
fn words<'a>(summary: &'a str, canary: &'a str) -> impl Iterator<Item = &'a str> {
    let is_sqlstate = |word: &str| {
        word.len() == 5 && word.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
    };
    let message = match summary.split_once(' ') {
        Some((first, message)) if is_sqlstate(first) => message,
        _ => summary,
    };
    message.split(canary).flat_map(|part| part.split(['(', ')'])).map(str::trim)
}

/// Fewer characters may be a client's own words as well: a SQLSTATE, "connection refused".
const LEAST_QUOTE: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Invariant;

    const CANARY: &str = "spoofed0123456789abcdef";

    fn secrets() -> Secrets {
        Secrets {
            user: "any".to_owned(),
            password: "canary0123456789abcdef".to_owned(),
            clear_text: CANARY.to_owned(),
            number: 4711,
        }
    }

    fn entry(sender: Sender, encrypted: bool, what: EntryKind) -> Entry {
        Entry { at: std::time::Duration::ZERO, sender, encrypted, size: 1, what }
    }

    fn facts(connections: Vec<Connection>, claim: Claim) -> Facts {
        let observation = Observation { connections, ..Observation::default() };
        Facts::of(&observation, claim, &secrets(), &[])
    }

    #[test]
    fn stuffed_bytes_are_taken_behind_s_whether_in_tls_or_in_clear() {
        let speaks = |answer: Event, encrypted: bool| {
            let entries = vec![
                entry(Sender::Server, false, EntryKind::Event(answer)),
                entry(Sender::Client, encrypted, EntryKind::OutOfTurn("Query".to_owned())),
            ];
            let connection = Connection { entries, ..Connection::default() };
            facts(vec![connection], Claim::Failed(String::new())).out_of_turn_behind_s
        };
        assert!(speaks(Event::SslAccept, true));
        assert!(speaks(Event::SslAccept, false));
        assert!(!speaks(Event::SslReject, false));
    }

    #[test]
    fn a_farewell_instead_of_a_proof_tells_of_stuffed_bytes_and_after_one_it_does_not() {
        let stuffing = || entry(Sender::Server, false, EntryKind::Hostile("a login's end"));
        let accepted = || entry(Sender::Server, false, EntryKind::Event(Event::SslAccept));
        let startup = || {
            let what = EntryKind::Startup { protocol: (3, 0), parameters: Vec::new() };
            entry(Sender::Client, true, what)
        };
        let asked = || {
            let what = EntryKind::Backend { tag: b'R', name: "", summary: String::new() };
            entry(Sender::Server, true, what)
        };
        let farewell = || {
            let what = EntryKind::Frontend { tag: b'X', name: "Terminate", summary: String::new() };
            entry(Sender::Client, true, what)
        };
        let proof =
            || entry(Sender::Client, true, EntryKind::Proof(Proof::Password { right: true }));
        let alert =
            || entry(Sender::Client, true, EntryKind::Alert("warning close_notify".to_owned()));
        for (entries, tells) in [
            (vec![accepted(), stuffing(), startup(), asked(), farewell()], true),
            (vec![accepted(), stuffing(), startup(), farewell()], true),
            (vec![accepted(), stuffing(), startup(), asked(), alert(), farewell()], true),
            (vec![accepted(), stuffing(), startup(), asked(), proof(), farewell()], false),
            (vec![accepted(), stuffing(), farewell()], false),
            (vec![accepted(), startup(), asked(), farewell()], false),
        ] {
            let connection = Connection { entries, ..Connection::default() };
            let facts = facts(vec![connection.clone()], Claim::Failed(String::new()));
            assert_eq!(facts.farewell_without_login_behind_s, tells, "{:?}", connection.entries);
        }
    }

    #[test]
    fn what_was_not_kept_is_told() {
        let of = |connection: Connection| {
            let facts = facts(vec![connection], Claim::Failed(String::new()));
            crate::judge::warnings(&crate::axes::Axes::default(), &facts)
        };
        assert_eq!(of(Connection::default()), [""; 0]);
        assert_eq!(
            of(Connection { forgotten: 1, ..Connection::default() }),
            ["transcript-incomplete"]
        );
        assert_eq!(
            of(Connection { clear_forgotten: 1, ..Connection::default() }),
            ["transcript-incomplete"]
        );
    }

    #[test]
    fn a_challenge_of_one_connection_is_answered_on_another() {
        let stored = md5_hex(b"canary0123456789abcdefany");
        let response = md5_hex(&[stored.as_slice(), &[1, 2, 3, 4]].concat());
        let asked = Connection {
            challenges: vec![Challenge::Md5Salt([1, 2, 3, 4])],
            ..Connection::default()
        };
        let answered = Connection { clear_from_client: response, ..Connection::default() };
        let failed = || Claim::Failed(String::new());
        assert!(facts(vec![asked, answered.clone()], failed()).plaintext_password);
        assert!(!facts(vec![answered], failed()).plaintext_password);
    }

    fn md5_hex(bytes: &[u8]) -> Vec<u8> {
        use md5::Digest as _;
        super::super::leak::hex(&md5::Md5::digest(bytes))
    }

    #[test]
    fn an_error_is_quoted_with_or_without_its_sqlstate_and_canary() {
        let quoted = |summary: String, text: &str| {
            let what = EntryKind::Backend { tag: b'E', name: "ErrorResponse", summary };
            let entries = vec![entry(Sender::Server, false, what)];
            let connection = Connection { entries, ..Connection::default() };
            facts(vec![connection], Claim::Failed(text.to_owned())).clear_text_reached_application
        };
        for summary in [
            format!("28000 no pg_hba.conf entry for host \"127.0.0.1\" ({CANARY})"),
            format!("28000 {CANARY}: no pg_hba.conf entry for host \"127.0.0.1\""),
            format!("{CANARY}: no pg_hba.conf entry for host \"127.0.0.1\""),
        ] {
            for text in [
                "FATAL: no pg_hba.conf entry for host \"127.0.0.1\" (28000)",
                "unexpected reply Mspoofed0123 and so on",
            ] {
                assert!(quoted(summary.clone(), text), "{summary}: {text}");
            }
            assert!(!quoted(summary, "server sent an error response during SSL exchange"));
        }
    }

    #[test]
    fn an_answer_that_was_cut_off_makes_nobody_dishonest_and_no_hang() {
        let broken = |claim: Claim, rule: RuleSpec, what: EntryKind| {
            let connection = Connection {
                entries: vec![entry(Sender::Client, true, what)],
                ..Connection::default()
            };
            let observation =
                Observation { connections: vec![connection], ..Observation::default() };
            let facts = Facts::of(&observation, claim, &secrets(), &[rule]);
            crate::judge::safety(&crate::axes::Axes::default(), &facts)
        };
        let failed = || Claim::Failed("connection reset".to_owned());
        let query = || EntryKind::Query("SELECT 4711".to_owned());
        let split = || RuleSpec::SplitOutbound { at: vec![1] };
        let cut = || RuleSpec::TruncateOutbound { at: 1 };
        assert_eq!(broken(failed(), cut(), query()), []);
        assert_eq!(broken(Claim::Hang, cut(), query()), []);
        assert_eq!(broken(failed(), split(), query()), [Invariant::Dishonest]);
        assert_eq!(broken(Claim::Hang, split(), query()), [Invariant::Hang]);
        // A login that never ends is the connect timeout's to end.
        assert_eq!(broken(Claim::Hang, cut(), EntryKind::ClientHello), [Invariant::Hang]);
    }
}
