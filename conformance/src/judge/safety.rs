//! The safety invariants, and the warnings.

use pgtls_mock_server::trace::Outcome;

use super::{
    Invariant,
    facts::{Claim, Facts},
    trust,
};
use crate::axes::{Axes, ChannelBinding, Sslmode};

/// The warning where a mode allows plaintext by design.
pub(super) const PLAINTEXT_BY_DESIGN: &str = "plaintext-by-design";

/// The warning where a client did more than the server keeps, so that a broken invariant may be unseen.
const TRANSCRIPT_INCOMPLETE: &str = "transcript-incomplete";

/// The invariants that the facts break, in the contract's order.
#[must_use]
pub fn safety(axes: &Axes, facts: &Facts) -> Vec<Invariant> {
    Invariant::ALL.into_iter().filter(|invariant| is_broken(*invariant, axes, facts)).collect()
}

fn is_broken(invariant: Invariant, axes: &Axes, facts: &Facts) -> bool {
    let mode = axes.effective_sslmode();
    let demands_tls = matches!(mode, Sslmode::Require | Sslmode::VerifyCa | Sslmode::VerifyFull);
    let verifies = matches!(mode, Sslmode::VerifyCa | Sslmode::VerifyFull);
    match invariant {
        Invariant::PlaintextPassword => demands_tls && facts.plaintext_password,
        Invariant::PlaintextStartup => demands_tls && facts.plaintext_startup,
        // A key that came inside TLS is a secret in every mode.
        Invariant::PlaintextCancel => {
            (demands_tls || facts.encrypted_session) && facts.plaintext_cancel
        }
        Invariant::UnverifiedChain => {
            verifies && facts.encrypted_startup && !trust::chain_deserves_trust(axes)
        }
        Invariant::UnverifiedName => {
            mode == Sslmode::VerifyFull
                && facts.encrypted_startup
                && !trust::name_deserves_trust(axes)
        }
        // Who demands binding may be unable to give the password that it is asked for.
        Invariant::InjectedPlaintext => {
            facts.out_of_turn_behind_s
                || (facts.farewell_without_login_behind_s
                    && axes.channel_binding != ChannelBinding::Require)
        }
        Invariant::SpoofedError => demands_tls && facts.clear_text_reached_application,
        Invariant::BindingDropped => {
            axes.channel_binding == ChannelBinding::Require
                && (facts.unbound_proof || (facts.query && !facts.bound))
        }
        // Behind the query there is no connecting any more, so its timeout bounds nothing.
        Invariant::Hang => facts.claim == Claim::Hang && !(facts.query && facts.wire_is_cut),
        Invariant::Crash => facts.claim == Claim::Crash,
        Invariant::Storm => facts.trace.connections.len() > Invariant::STORM,
        Invariant::Dishonest => is_dishonest(facts),
    }
}

fn is_dishonest(facts: &Facts) -> bool {
    match &facts.claim {
        Claim::Connected { rows, tls } => {
            let answered = rows == &[[facts.number.to_string()]];
            let really = facts.trace.outcome;
            !answered
                || !really.is_connected()
                || tls.is_some_and(|tls| tls != matches!(really, Outcome::Ssl))
        }
        // Where the answer to a query that arrived was cut off, it did fail.
        Claim::Failed(_) => facts.query && !facts.wire_is_cut,
        // It says that it made no connection.
        Claim::Unsupported(_) => true,
        Claim::Hang | Claim::Crash => false,
    }
}

/// What is worth knowing and breaks nothing.
#[must_use]
pub fn warnings(axes: &Axes, facts: &Facts) -> Vec<String> {
    let by_design = matches!(axes.effective_sslmode(), Sslmode::Allow | Sslmode::Prefer);
    let warnings = [
        (by_design && facts.plaintext_password, PLAINTEXT_BY_DESIGN),
        (facts.transcript_is_incomplete, TRANSCRIPT_INCOMPLETE),
    ];
    let applies = |(applies, warning): (bool, &str)| applies.then(|| warning.to_owned());
    warnings.into_iter().filter_map(applies).collect()
}
