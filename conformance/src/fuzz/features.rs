//! What a run showed of the client: how it answered what, and how it failed. Who shows something new
//! has come somewhere new in it, of which no source code is needed.

use std::{
    borrow::Cow,
    hash::{DefaultHasher, Hash, Hasher},
};

use pgtls_mock_server::transcript::{Connection, EntryKind, Sender};

use super::scenario::Scenario;
use crate::runner::CellRun;

/// Connections beyond are as this one.
const MOST_CONNECTIONS: usize = 3;
/// As much of a text as tells one error from another, in characters.
const LONGEST: usize = 80;

/// The features of a scenario's run, as numbers; the same in each run of the program. None where they
/// would depend on chance: rules for the wire count bytes, of which TLS sends now more, now less, and
/// what reaches the other side before a reset is a race.
pub(super) fn features(scenario: &Scenario, run: &CellRun) -> Vec<u64> {
    let connections = &run.observation.connections;
    if !scenario.rules.is_empty() || were_reset(connections) {
        return Vec::new();
    }
    let mut features = answers(connections);
    features.push(hash(&ending(run)));
    features
}

/// Which messages the client answered how.
fn answers(connections: &[Connection]) -> Vec<u64> {
    let mut features = Vec::new();
    for (number, connection) in connections.iter().enumerate() {
        let number = number.min(MOST_CONNECTIONS);
        let mut asked = Cow::from("nothing");
        let mut before = Cow::from("nothing");
        for entry in connection.entries.iter().filter(|entry| tells(&entry.what)) {
            let name = name(&entry.what);
            match entry.sender {
                Sender::Server => asked = name,
                Sender::Client => {
                    features.push(hash(&(number, &asked, &before, &name)));
                    before = name;
                }
            }
        }
    }
    features
}

/// What a run came to: `plain`, `ssl`, `fail`, `hang` or `crash`; `None` where nothing was observed.
pub(super) fn outcome(run: &CellRun) -> Option<String> {
    // The trace's last word is its outcome.
    let trace = run.result.observed.as_ref()?.trace().to_string();
    trace.rsplit(' ').next().map(str::to_owned)
}

/// How a run ended, in words that do not depend on what was drawn.
fn ending(run: &CellRun) -> String {
    let result = &run.result;
    let error = result.observed.as_ref().and_then(|observed| observed.error.as_ref());
    let error = error.map(|error| format!("{}: {}", error.class, error.message));
    let how = error.or_else(|| result.reason.clone()).unwrap_or_default();
    format!("{} {}", outcome(run).unwrap_or_default(), plain(&how))
}

/// A text without its numbers, its quotations, and what is no word of its own.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut quoted_by = None;
    for c in text.chars() {
        if plain.len() >= LONGEST {
            break;
        }
        match (c, quoted_by) {
            (c, Some(quote)) if c == quote => quoted_by = None,
            (_, Some(_)) => {}
            ('"' | '`', None) => quoted_by = Some(c),
            (c, None) if c.is_ascii_digit() && plain.ends_with('0') => {}
            (c, None) if c.is_ascii_digit() => plain.push('0'),
            (c, None) if c.is_ascii_graphic() || c == ' ' => plain.push(c),
            _ => {}
        }
    }
    plain
}

/// Whether the server reset one of them.
fn were_reset(connections: &[Connection]) -> bool {
    let mut entries = connections.iter().flat_map(|it| &it.entries);
    entries.any(|entry| entry.sender == Sender::Server && entry.what == EntryKind::Reset)
}

/// Whether an entry tells where a client has come to. How a connection ends does not: it depends on which
/// task has its turn first.
const fn tells(kind: &EntryKind) -> bool {
    !matches!(
        kind,
        EntryKind::Closed
            | EntryKind::Reset
            | EntryKind::TimedOut
            | EntryKind::Alert(_)
            | EntryKind::SessionBroken(_)
    )
}

fn name(kind: &EntryKind) -> Cow<'static, str> {
    match kind {
        EntryKind::Event(event) => format!("{event:?}").into(),
        EntryKind::NegotiationByte(byte) => format!("byte {byte}").into(),
        EntryKind::HandshakeFailed(how) => plain(how).into(),
        EntryKind::Startup { protocol, .. } => format!("StartupMessage {protocol:?}").into(),
        EntryKind::Proof(proof) => format!("{proof:?}").into(),
        EntryKind::Frontend { name, .. } | EntryKind::Backend { name, .. } => (*name).into(),
        EntryKind::OutOfTurn(_) => "out of turn".into(),
        EntryKind::Hostile(_) => "hostile".into(),
        EntryKind::Junk(_) => "junk".into(),
        EntryKind::Query(_) => "query".into(),
        other => format!("{other:?}").into(),
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use pgtls_mock_server::{
        trace::Event,
        transcript::{Entry, Proof},
    };

    use super::*;

    fn connection(entries: &[(Sender, EntryKind)]) -> Vec<Connection> {
        let entry = |(sender, what): &(Sender, EntryKind)| Entry::new(*sender, true, what.clone());
        vec![Connection::of(entries.iter().map(entry).collect())]
    }

    #[test]
    fn how_a_connection_ends_steers_nothing_and_what_a_client_answers_does() {
        let proof = |right| (Sender::Client, EntryKind::Proof(Proof::Password { right }));
        let asked = (Sender::Server, EntryKind::Event(Event::AuthFail));
        let of = |more: &[(Sender, EntryKind)]| {
            answers(&connection(&[&[asked.clone(), proof(true)], more].concat()))
        };
        let ends = [
            EntryKind::Closed,
            EntryKind::Reset,
            EntryKind::TimedOut,
            EntryKind::Alert("close_notify".into()),
            EntryKind::SessionBroken("bad record".into()),
        ];
        assert!(!of(&[]).is_empty());
        for end in ends {
            for sender in [Sender::Client, Sender::Server] {
                // Before a further message too.
                let ended = of(&[(sender, end.clone()), proof(false)]);
                assert_eq!(ended, of(&[proof(false)]), "{end:?} of {sender:?}");
            }
        }
        assert_ne!(of(&[]), of(&[proof(false)]));
        assert_ne!(of(&[proof(true)]), of(&[proof(false)]));
    }

    #[test]
    fn what_was_reset_is_known_by_who_did_it() {
        assert!(were_reset(&connection(&[(Sender::Server, EntryKind::Reset)])));
        assert!(!were_reset(&connection(&[(Sender::Client, EntryKind::Reset)])));
    }

    #[test]
    fn an_error_is_the_same_whatever_it_quotes_and_counts() {
        assert_eq!(plain("invalid length 12 in \"abc\""), plain("invalid length 7 in \"d\""));
        assert_ne!(plain("invalid length"), plain("invalid count"));
    }
}
