//! Whom a client must not go on with.
//!
//! A StartupMessage inside TLS tells that the client took the certificate: what it sends next is the
//! session.

use super::{
    super::{
        facts::{Channel, Facts},
        trust,
    },
    definition::{Definition, broken_by},
};
use crate::{
    axes::{Axes, Sslmode},
    transcript::Position,
};

pub(super) const CHAIN: Definition = Definition {
    broken_when: "under verify-ca or verify-full, the client sent a StartupMessage after a certificate that does not chain, in its validity, to what it was told to trust",
    why: "a man in the middle with any certificate at all gets the session",
    source: "PostgreSQL documentation, \"SSL Support\", section \"Client Verification of Server Certificates\"; RFC 5280, section 6",
    evidence: |facts| {
        if facts.verifies() { distrusted(facts, trust::chain_deserves_trust) } else { None }
    },
};

pub(super) const NAME: Definition = Definition {
    broken_when: "under verify-full, the client sent a StartupMessage after a certificate in which no name matches the host",
    why: "whoever holds a certificate of the same authority for another host gets the session",
    source: "PostgreSQL documentation, \"SSL Support\", section \"Client Verification of Server Certificates\"; RFC 9525, section 6",
    evidence: |facts| {
        if verifies_name(facts) { distrusted(facts, trust::name_deserves_trust) } else { None }
    },
};

/// Where the client went on with a certificate that does not deserve it.
fn distrusted(facts: &Facts<'_>, deserves_trust: fn(&Axes) -> bool) -> Option<Vec<Position>> {
    let mut positions = facts.startup(Channel::Tls);
    positions.retain(|position| !deserves_trust(&facts.axes_of(position.connection)));
    broken_by(positions)
}

fn verifies_name(facts: &Facts<'_>) -> bool {
    facts.case.axes.effective_sslmode() == Sslmode::VerifyFull
}
