//! Plaintext injection: bytes from before the handshake that are taken as session data.
//!
//! The server puts what looks like a login's end behind its `S`. Who takes it for the end of their own
//! login sends what nobody has asked for, or leaves where a proof is due. Whenever that is: what tells
//! is the order.

use pgtls_mock_server::{
    trace::Event,
    transcript::{Connection, Entry, EntryKind, Sender},
};

use super::{
    super::facts::Facts,
    definition::{Definition, broken_by},
};
use crate::{axes::ChannelBinding, transcript::Position};

pub(super) const INJECTED_PLAINTEXT: Definition = Definition {
    broken_when: "bytes received before the TLS handshake were taken as session data",
    why: "a man in the middle puts answers into the encrypted session (CVE-2021-23222)",
    source: "CVE-2021-23222; PostgreSQL documentation, \"Message Flow\", section \"SSL Session Encryption\"",
    evidence: |facts| broken_by(taken(facts)),
};

fn taken(facts: &Facts<'_>) -> Vec<Position> {
    // Who demands binding may be unable to give the password that it is asked for.
    let may_leave = facts.case.axes.channel_binding == ChannelBinding::Require;
    facts
        .connections()
        .filter_map(|(number, connection)| {
            let terminate = || terminate_without_proof(connection).filter(|_| !may_leave);
            let entry = out_of_turn(connection)
                .or_else(|| in_place_of_startup(connection))
                .or_else(terminate)?;
            Some(Position::entry(number, entry))
        })
        .collect()
}

/// Behind `S`, a message that nobody had asked for, in TLS or without.
fn out_of_turn(connection: &Connection) -> Option<usize> {
    let mut entries = behind_s(connection)?;
    entries.find(|(_, entry)| matches!(entry.what, EntryKind::OutOfTurn(_))).map(|(at, _)| at)
}

/// Inside TLS something else than a first packet, where a login's end was injected: who read that
/// before the handshake was done has no StartupMessage to send any more.
fn in_place_of_startup(connection: &Connection) -> Option<usize> {
    let mut entries = behind_injection(connection)?;
    let (at, first) = entries.find(|(_, entry)| {
        entry.encrypted && matches!(entry.what, EntryKind::Startup { .. } | EntryKind::Junk(_))
    })?;
    matches!(first.what, EntryKind::Junk(_)).then_some(at)
}

/// Terminate behind a StartupMessage inside TLS with no proof in between, where a login's end was
/// injected.
fn terminate_without_proof(connection: &Connection) -> Option<usize> {
    let mut entries = behind_injection(connection)?;
    entries
        .find(|(_, entry)| matches!(entry.what, EntryKind::Startup { .. }) && entry.encrypted)?;
    // An alert that came in the same segment is entered before the message.
    let (at, answer) = entries.find(|(_, entry)| {
        matches!(
            entry.what,
            EntryKind::Proof(_) | EntryKind::Frontend { .. } | EntryKind::OutOfTurn(_)
        )
    })?;
    matches!(answer.what, EntryKind::Frontend { tag: b'X', .. }).then_some(at)
}

/// The same, if bytes that are wrong on purpose are among them.
fn behind_injection(
    connection: &Connection,
) -> Option<impl Iterator<Item = (usize, &Entry)> + Clone> {
    let entries = behind_s(connection)?;
    let is_injected = |entry: &Entry| {
        entry.sender == Sender::Server && matches!(entry.what, EntryKind::Hostile(_))
    };
    entries.clone().any(|(_, entry)| is_injected(entry)).then_some(entries)
}

/// The entries behind an SSLRequest's `S`, if there was one.
fn behind_s(connection: &Connection) -> Option<impl Iterator<Item = (usize, &Entry)> + Clone> {
    let mut entries = connection.entries.iter().enumerate();
    entries.find(|(_, entry)| entry.what == EntryKind::Event(Event::SslAccept))?;
    Some(entries)
}

#[cfg(test)]
mod tests {
    use pgtls_mock_server::transcript::Proof;

    use super::*;
    use crate::judge::sample::{connection, entry};

    #[test]
    fn injected_bytes_are_taken_behind_s_whether_in_tls_or_in_clear() {
        let speaks = |answer: Event, encrypted: bool| {
            out_of_turn(&connection(vec![
                entry(Sender::Server, false, EntryKind::Event(answer)),
                entry(Sender::Client, encrypted, EntryKind::OutOfTurn("Query".to_owned())),
            ]))
        };
        assert_eq!(speaks(Event::SslAccept, true), Some(1));
        assert_eq!(speaks(Event::SslAccept, false), Some(1));
        assert_eq!(speaks(Event::SslReject, false), None);
    }

    #[test]
    fn who_has_read_a_logins_end_before_the_handshake_sends_no_startup_message() {
        let accepted = || entry(Sender::Server, false, EntryKind::Event(Event::SslAccept));
        let injection = || entry(Sender::Server, false, EntryKind::Hostile("a login's end".into()));
        let junk = |encrypted| {
            entry(Sender::Client, encrypted, EntryKind::Junk(b"Q\0\0\0\x0dSELECT 1\0".to_vec()))
        };
        let startup = || {
            let what = EntryKind::Startup { protocol: (3, 0), parameters: Vec::new() };
            entry(Sender::Client, true, what)
        };
        for (entries, tells) in [
            (vec![accepted(), injection(), junk(true)], Some(2)),
            (vec![accepted(), injection(), junk(false)], None),
            (vec![accepted(), injection(), startup(), junk(true)], None),
            (vec![accepted(), junk(true)], None),
        ] {
            let connection = connection(entries);
            assert_eq!(in_place_of_startup(&connection), tells, "{:?}", connection.entries);
        }
    }

    #[test]
    fn a_terminate_instead_of_a_proof_tells_of_injected_bytes_and_after_one_it_does_not() {
        let injection = || entry(Sender::Server, false, EntryKind::Hostile("a login's end".into()));
        let accepted = || entry(Sender::Server, false, EntryKind::Event(Event::SslAccept));
        let startup = || {
            let what = EntryKind::Startup { protocol: (3, 0), parameters: Vec::new() };
            entry(Sender::Client, true, what)
        };
        let asked = || {
            let what = EntryKind::Backend { tag: b'R', name: "", summary: String::new() };
            entry(Sender::Server, true, what)
        };
        let terminate = || {
            let what = EntryKind::Frontend { tag: b'X', name: "Terminate", summary: String::new() };
            entry(Sender::Client, true, what)
        };
        let proof =
            || entry(Sender::Client, true, EntryKind::Proof(Proof::Password { right: true }));
        let alert =
            || entry(Sender::Client, true, EntryKind::Alert("warning close_notify".to_owned()));
        for (entries, tells) in [
            (vec![accepted(), injection(), startup(), asked(), terminate()], Some(4)),
            (vec![accepted(), injection(), startup(), terminate()], Some(3)),
            (vec![accepted(), injection(), startup(), asked(), alert(), terminate()], Some(5)),
            (vec![accepted(), injection(), startup(), asked(), proof(), terminate()], None),
            (vec![accepted(), injection(), terminate()], None),
            (vec![accepted(), startup(), asked(), terminate()], None),
        ] {
            let connection = connection(entries);
            assert_eq!(terminate_without_proof(&connection), tells, "{:?}", connection.entries);
        }
    }
}
