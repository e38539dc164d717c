//! A login that had to be bound to its channel, and was not.

use pgtls_mock_server::transcript::{EntryKind, Proof};

use super::{
    super::facts::{Channel, Facts},
    definition::{Definition, broken_by},
};
use crate::{axes::ChannelBinding, transcript::Position};

pub(super) const BINDING_DROPPED: Definition = Definition {
    broken_when: "channel_binding=require, and authentication finished, or a password was sent, without it",
    why: "the one defence that does not rest on certificates is silently gone",
    source: "PostgreSQL documentation, \"Parameter Key Words\", channel_binding; RFC 5802, section 6; RFC 5929, section 4",
    evidence: |facts| {
        let is_required = facts.case.axes.channel_binding == ChannelBinding::Require;
        if is_required { broken_by(unbound(facts)) } else { None }
    },
};

/// A password, its MD5 or the proof of a mechanism that binds nothing; and a query behind no bound
/// proof. One that is bound to another thing than the server's channel drops nothing: it is refused.
fn unbound(facts: &Facts<'_>) -> Vec<Position> {
    let is_unbound = |what: &EntryKind| {
        matches!(
            what,
            EntryKind::Proof(
                Proof::Password { .. } | Proof::Md5 { .. } | Proof::SaslFinal { plus: false, .. }
            )
        )
    };
    let is_bound = |what: &EntryKind| {
        matches!(what, EntryKind::Proof(Proof::SaslFinal { bound: true, right: true, .. }))
    };
    let mut found = facts.sent(Channel::Either, is_unbound);
    if facts.sent(Channel::Either, is_bound).is_empty() {
        found.extend(facts.query());
        found.sort();
    }
    found
}
