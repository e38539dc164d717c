//! That a server which asks for SCRAM shows that it knows the password too.

use pgtls_mock_server::transcript::{Connection, EntryKind, Proof, Sender};

use super::{super::facts::Facts, definition::Definition};
use crate::{axes::ChannelBinding, transcript::Position};

pub(super) const SERVER_UNPROVEN: Definition = Definition {
    broken_when: "the client sent its query behind a SCRAM exchange in which the server did not prove that it knows the password (wrong or missing signature, AuthenticationOk too early), although the server gave a wrong proof, or require_auth=scram-sha-256 or channel_binding=require demanded one",
    why: "whoever answers at that address passes for the server, and is told what the application asks and writes",
    source: "RFC 5802, section 5: the client must check the server's signature; PostgreSQL documentation, \"Parameter Key Words\", require_auth and channel_binding",
    evidence: |facts| {
        let demanded = demands_proof(facts);
        let mut broken = facts.connections().filter_map(|(number, connection)| {
            let query = unproven_query(connection, demanded)?;
            Some(Position::entry(number, query))
        });
        broken.next().map(|first| vec![first])
    },
};

/// Whether the settings demand that the server prove itself. Where they do not, libpq takes an
/// AuthenticationOk that comes before the server's signature (fe-auth.c, `check_expected_areq`), and
/// nobody has promised more.
fn demands_proof(facts: &Facts<'_>) -> bool {
    facts.case.axes.channel_binding == ChannelBinding::Require
}

/// The query on this connection, if it was sent to a server that was asked to prove itself and did not:
/// by a wrong signature, or, where one was demanded, by none.
fn unproven_query(connection: &Connection, demanded: bool) -> Option<usize> {
    let entries = &connection.entries;
    let query = entries.iter().position(|entry| matches!(entry.what, EntryKind::Query(_)))?;
    let begun = entries[..query]
        .iter()
        .position(|entry| matches!(entry.what, EntryKind::Proof(Proof::SaslInitial { .. })))?;
    // What comes behind AuthenticationOk is no part of the exchange any more.
    let exchange = entries[begun..query].iter().take_while(|entry| {
        entry.sender == Sender::Client
            || !matches!(entry.what, EntryKind::Backend { name: "AuthenticationOk", .. })
    });
    let signatures: Vec<bool> = exchange
        .filter_map(|entry| match entry.what {
            EntryKind::ServerSignature { right } => Some(right),
            _ => None,
        })
        .collect();
    let is_wrong = signatures.contains(&false);
    let is_missing = demanded && signatures.is_empty();
    (is_wrong || is_missing).then_some(query)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        axes::Axes,
        judge::{
            case::Case,
            claim::Claim,
            sample::{connection, entry, observation, secrets},
        },
    };

    fn is_broken(axes: &str, between: &[EntryKind]) -> bool {
        let (axes, secrets): (Axes, _) = (axes.parse().expect("axes"), secrets());
        let sent = |what: &EntryKind| {
            let is_clients = matches!(what, EntryKind::Proof(_) | EntryKind::Query(_));
            entry(if is_clients { Sender::Client } else { Sender::Server }, true, what.clone())
        };
        let entries = between.iter().map(sent).collect();
        let observation = observation(vec![connection(entries)]);
        let claim = Claim::Failed(String::new());
        let facts = Facts::of(Case::new(&axes, &observation, &claim, &secrets));
        (SERVER_UNPROVEN.evidence)(&facts).is_some()
    }

    #[test]
    fn a_wrong_signature_counts_always_and_a_missing_one_where_it_was_demanded() {
        let chosen = || EntryKind::Proof(Proof::SaslInitial { plus: true });
        let signature = |right| EntryKind::ServerSignature { right };
        let ok =
            || EntryKind::Backend { tag: b'R', name: "AuthenticationOk", summary: String::new() };
        let query = || EntryKind::Query("SELECT 4711".to_owned());
        let password = || EntryKind::Proof(Proof::Password { right: true });
        for (between, by_default, under_require) in [
            (vec![chosen(), signature(true), ok(), query()], false, false),
            (vec![chosen(), signature(false), ok(), query()], true, true),
            (vec![chosen(), signature(false), query()], true, true),
            (vec![chosen(), ok(), query()], false, true),
            // Too late: it is no part of the exchange, whatever it is.
            (vec![chosen(), ok(), signature(false), query()], false, true),
            (vec![chosen(), ok(), signature(true), query()], false, true),
            // Nobody was asked for a proof, or nobody went on without.
            (vec![password(), ok(), query()], false, false),
            (vec![chosen(), signature(false)], false, false),
        ] {
            assert_eq!(is_broken("default", &between), by_default, "{between:?}");
            let required = is_broken("channel-binding=require", &between);
            assert_eq!(required, under_require, "{between:?}");
        }
    }
}
