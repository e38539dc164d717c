//! What must not leave unencrypted.

use pgtls_mock_server::transcript::EntryKind;

use super::{
    super::facts::{Channel, Facts},
    definition::{Definition, broken_by},
};
use crate::transcript::Position;

pub(super) const PASSWORD: Definition = Definition {
    broken_when: "under require, verify-ca or verify-full, the password or a value computed from it left unencrypted",
    why: "anybody on the path reads the password although encryption was demanded",
    source: "PostgreSQL documentation, \"SSL Support\", section \"Protection Provided in Different Modes\"",
    evidence: |facts| where_tls_is_demanded(facts, facts.plaintext_password.clone()),
};

pub(super) const STARTUP: Definition = Definition {
    broken_when: "under those modes, a StartupMessage left unencrypted",
    why: "user and database names cross the network unencrypted although encryption was demanded",
    source: "PostgreSQL documentation, \"Parameter Key Words\", sslmode: require is \"only try an SSL connection\"",
    evidence: |facts| where_tls_is_demanded(facts, facts.startup(Channel::Clear)),
};

pub(super) const CANCEL: Definition = Definition {
    broken_when: "under those modes, or behind an encrypted session under any, a CancelRequest left unencrypted",
    why: "the cancel key crosses the network unencrypted: whoever reads it can kill every later query",
    source: "PostgreSQL documentation, \"Functions for Sending Cancel Requests\", PQcancelBlocking: as encrypted as the connection",
    evidence: |facts| {
        // A key that came inside TLS is a secret in every mode.
        if facts.demands_tls() || facts.has_encrypted_session() {
            broken_by(facts.sent(Channel::Clear, |what| matches!(what, EntryKind::CancelRequest)))
        } else {
            None
        }
    },
};

fn where_tls_is_demanded(facts: &Facts<'_>, positions: Vec<Position>) -> Option<Vec<Position>> {
    broken_by(positions).filter(|_| facts.demands_tls())
}
