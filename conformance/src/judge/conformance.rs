//! The verdict against the reference.

use pgtls_mock_server::trace::{Event, Outcome, Trace};

use super::{
    claim::Claim,
    facts::{Channel, Facts},
    verdict::Conformance,
};
use crate::axes::{Auth, Axes};

/// What the facts are, seen from the reference's trace: the first verdict that applies.
pub(super) fn conformance(facts: &Facts<'_>, expected: &Trace) -> Conformance {
    match facts.case.claim {
        Claim::Crash => Conformance::Crash,
        Claim::Hang => Conformance::Hang,
        _ => {
            let in_clear = InClear {
                startup: !facts.startup(Channel::Clear).is_empty(),
                password: !facts.plaintext_password.is_empty(),
            };
            compare(facts.case.axes, expected, &facts.trace, in_clear)
        }
    }
}

/// What the client sent unencrypted: the transcript may show more of it than the trace.
#[derive(Debug, Clone, Copy)]
struct InClear {
    startup: bool,
    password: bool,
}

impl InClear {
    /// What a client sends that leaves this trace. A login that succeeded in plaintext showed its
    /// credential, if one was asked for.
    fn by(axes: &Axes, trace: &Trace) -> Self {
        let asks = !matches!(axes.server.auth, Auth::Trust | Auth::Cert);
        Self {
            startup: plaintext_logins(trace).next().is_some(),
            password: asks && plaintext_logins(trace).any(|event| event == Event::AuthOk),
        }
    }

    const fn exceeds(self, other: Self) -> bool {
        self.startup && !other.startup || self.password && !other.password
    }
}

fn compare(axes: &Axes, expected: &Trace, observed: &Trace, in_clear: InClear) -> Conformance {
    if protection(observed.outcome) < protection(expected.outcome)
        || in_clear.exceeds(InClear::by(axes, expected))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::{
        case::Case,
        sample::{observation, secrets},
    };

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
            let [expected, observed] =
                [expected, observed].map(|text| text.parse::<Trace>().expect("a trace"));
            let axes = Axes::default();
            let in_clear = InClear::by(&axes, &observed);
            assert_eq!(compare(&axes, &expected, &observed, in_clear), verdict, "{observed}");
        }
    }

    #[test]
    fn a_client_that_hangs_is_judged_by_that_alone() {
        let expected = "connect, sslaccept -> fail".parse().expect("a trace");
        let (axes, secrets, observation) = (Axes::default(), secrets(), observation(Vec::new()));
        for (claim, verdict) in
            [(Claim::Hang, Conformance::Hang), (Claim::Crash, Conformance::Crash)]
        {
            let facts = Facts::of(Case::new(&axes, &observation, &claim, &secrets));
            assert_eq!(conformance(&facts, &expected), verdict);
        }
    }
}
