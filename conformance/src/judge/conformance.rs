//! The verdict against the reference.

use pgtls_mock_server::trace::{Event, Outcome, Trace};

use super::{
    Conformance,
    facts::{Claim, Facts},
};
use crate::axes::{Auth, Axes};

/// What the facts are, seen from the reference's trace: the first verdict that applies.
#[must_use]
pub fn conformance(axes: &Axes, expected: &Trace, facts: &Facts) -> Conformance {
    match facts.claim {
        Claim::Crash => return Conformance::Crash,
        Claim::Hang => return Conformance::Hang,
        _ => {}
    }
    let sends = |observed: bool, by_reference: bool| observed && !by_reference;
    let observed = &facts.trace;
    if protection(observed.outcome) < protection(expected.outcome)
        || sends(facts.plaintext_startup, starts_in_clear(expected))
        || sends(facts.plaintext_password, proves_in_clear(axes, expected))
    {
        Conformance::Weaker
    } else if protection(observed.outcome) > protection(expected.outcome) {
        Conformance::Stricter
    } else if observed == expected {
        Conformance::Agrees
    } else {
        Conformance::Departs
    }
}

/// How well a cell's session is protected; no session at all is the best protected.
fn protection(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Plain => 0,
        Outcome::Ssl | Outcome::Gss => 1,
        _ => 2,
    }
}

fn plaintext_logins(trace: &Trace) -> impl Iterator<Item = Event> {
    trace
        .connections
        .iter()
        .filter(|events| {
            !events.iter().any(|event| {
                matches!(event, Event::SslAccept | Event::DirectSslAccept | Event::GssAccept)
            })
        })
        .flatten()
        .copied()
        .filter(|event| matches!(event, Event::AuthOk | Event::AuthFail | Event::AuthQuit))
}

fn starts_in_clear(trace: &Trace) -> bool {
    plaintext_logins(trace).next().is_some()
}

/// A login that succeeded in plaintext showed its credential, if one was asked for.
fn proves_in_clear(axes: &Axes, trace: &Trace) -> bool {
    !matches!(axes.server.auth, Auth::Trust | Auth::Cert)
        && plaintext_logins(trace).any(|event| event == Event::AuthOk)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(trace: &str) -> Facts {
        let trace: Trace = trace.parse().expect("a trace");
        Facts {
            plaintext_startup: starts_in_clear(&trace),
            plaintext_password: proves_in_clear(&Axes::default(), &trace),
            claim: Claim::Failed(String::new()),
            trace,
            plaintext_cancel: false,
            encrypted_startup: false,
            encrypted_session: false,
            out_of_turn_behind_s: false,
            farewell_without_login_behind_s: false,
            unbound_proof: false,
            bound: false,
            query: false,
            clear_text_reached_application: false,
            number: 1,
            wire_is_cut: false,
            transcript_is_incomplete: false,
        }
    }

    #[test]
    fn the_first_verdict_that_applies() {
        let retried = "connect, sslaccept, reconnect, authok -> plain";
        for (expected, observed, verdict) in [
            (
                "connect, sslaccept, authok -> ssl",
                "connect, sslaccept, authok -> ssl",
                Conformance::Agrees,
            ),
            (
                "connect, sslaccept -> fail",
                "connect, sslaccept, authok -> ssl",
                Conformance::Weaker,
            ),
            ("connect, sslaccept, authok -> ssl", retried, Conformance::Weaker),
            (retried, "connect, sslaccept -> fail", Conformance::Stricter),
            (retried, "connect, sslaccept, authok -> ssl", Conformance::Stricter),
            (retried, "connect, authok -> plain", Conformance::Departs),
            (
                "connect, sslaccept -> fail",
                "connect, sslaccept, reconnect, authquit -> fail",
                Conformance::Weaker,
            ),
            ("connect, sslaccept -> fail", "connect -> fail", Conformance::Departs),
            (
                "connect, sslreject, authfail -> fail",
                "connect, sslreject, authfail, reconnect, authfail -> fail",
                Conformance::Departs,
            ),
        ] {
            let expected = expected.parse().expect("a trace");
            assert_eq!(
                conformance(&Axes::default(), &expected, &facts(observed)),
                verdict,
                "{observed}"
            );
        }
    }

    #[test]
    fn a_client_that_hangs_is_judged_by_that_alone() {
        let expected = "connect, sslaccept -> fail".parse().expect("a trace");
        let hung = Facts { claim: Claim::Hang, ..facts("connect, sslaccept -> hang") };
        assert_eq!(conformance(&Axes::default(), &expected, &hung), Conformance::Hang);
    }
}
