//! Everything that the judge has to say of one cell.

use pgtls_mock_server::trace::Trace;

use super::{
    case::Case,
    conformance::conformance,
    facts::Facts,
    invariants::Invariant,
    verdict::Conformance,
    warning::{Warning, warnings},
};
use crate::transcript::{Position, line};

/// As many lines as are kept of what broke one invariant: as many as one connect call may open
/// connections, so that each of an honest number of attempts is seen.
const MOST_LINES: usize = Invariant::STORM;

/// The judge's verdicts on one cell.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Judgement {
    /// The server's trace, its outcome being `hang` or `crash` where the client's was.
    pub trace: Trace,
    /// Observed against the reference.
    pub conformance: Conformance,
    /// What broke, in the contract's order.
    pub broken: Vec<Broken>,
    /// Worth knowing, and no finding.
    pub warnings: Vec<Warning>,
}

/// A broken invariant with its evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Broken {
    /// Which one.
    pub invariant: Invariant,
    /// The transcript's lines that broke it, the first eight of them: none where the client died before
    /// it sent anything.
    pub lines: Vec<(Position, String)>,
}

/// Judges a case, beside what the reference expects of it.
#[must_use]
pub fn judge(case: Case<'_>, expected: &Trace) -> Judgement {
    let facts = Facts::of(case);
    let broken = Invariant::ALL.into_iter().filter_map(|invariant| {
        let positions = invariant.evidence(&facts)?;
        let lines = positions
            .into_iter()
            .take(MOST_LINES)
            .map(|position| (position, line(case.observation, position)));
        Some(Broken { invariant, lines: lines.collect() })
    });
    let broken = broken.collect();
    Judgement {
        conformance: conformance(&facts, expected),
        broken,
        warnings: warnings(&facts),
        trace: facts.trace,
    }
}

#[cfg(test)]
mod tests {
    use pgtls_mock_server::{
        RuleSpec,
        trace::Outcome,
        transcript::{EntryKind, Sender},
    };

    use super::*;
    use crate::{
        axes::Axes,
        judge::{
            claim::Claim,
            sample::{connection, entry, observation, secrets},
        },
    };

    /// What breaks where the client sent one thing inside TLS.
    fn broken(axes: &str, claim: &Claim, wire: &[RuleSpec], what: EntryKind) -> Vec<Broken> {
        let (axes, secrets): (Axes, _) = (axes.parse().expect("axes"), secrets());
        let observation = observation(vec![connection(vec![entry(Sender::Client, true, what)])]);
        let case = Case::new(&axes, &observation, claim, &secrets).on_wire(wire);
        judge(case, &Trace::default()).broken
    }

    fn ids(broken: &[Broken]) -> Vec<&str> {
        broken.iter().map(|broken| broken.invariant.id()).collect()
    }

    #[test]
    fn an_answer_that_was_cut_off_makes_nobody_dishonest_and_no_hang() {
        let failed = Claim::Failed("connection reset".to_owned());
        let query = || EntryKind::Query("SELECT 4711".to_owned());
        let split = [RuleSpec::SplitOutbound { at: vec![1] }];
        let cut = [RuleSpec::TruncateOutbound { at: 1 }];
        for (claim, wire, what, ids) in [
            (&failed, &cut, query(), &[][..]),
            (&Claim::Hang, &cut, query(), &[]),
            (&failed, &split, query(), &["dishonest"]),
            (&Claim::Hang, &split, query(), &["hang"]),
            // A login that never ends is the connect timeout's to end.
            (&Claim::Hang, &cut, EntryKind::ClientHello, &["hang"]),
        ] {
            assert_eq!(self::ids(&broken("default", claim, wire, what)), ids);
        }
    }

    #[test]
    fn an_answer_that_the_wire_changed_makes_nobody_dishonest_but_inside_tls() {
        let (axes, secrets): (Axes, _) = ("sslmode=disable".parse().expect("axes"), secrets());
        let connected = |tls| Claim::Connected { rows: vec![vec!["4712".to_owned()]], tls };
        let flipped = [RuleSpec::CorruptOutbound { at: 1, xor: 1 }];
        for (claim, encrypted, wire, ids) in [
            (connected(None), false, &flipped[..], &[][..]),
            (connected(None), false, &[], &["dishonest"]),
            (connected(None), true, &flipped, &["dishonest"]),
            // What it says of TLS no wire can change.
            (connected(Some(true)), false, &flipped, &["dishonest"]),
        ] {
            let query = EntryKind::Query("SELECT 4711".to_owned());
            let mut observation =
                observation(vec![connection(vec![entry(Sender::Client, encrypted, query)])]);
            observation.trace.outcome = if encrypted { Outcome::Ssl } else { Outcome::Plain };
            let case = Case::new(&axes, &observation, &claim, &secrets).on_wire(wire);
            assert_eq!(self::ids(&judge(case, &Trace::default()).broken), ids, "{claim:?}");
        }
    }

    #[test]
    fn evidence_names_the_lines_that_broke_it() {
        let startup = EntryKind::Startup { protocol: (3, 0), parameters: Vec::new() };
        let axes = "certificate=unknown-ca,sslmode=verify-ca,sslrootcert=right";
        let found = broken(axes, &Claim::Failed(String::new()), &[], startup);
        assert_eq!(ids(&found), ["unverified-chain"]);
        let line = "connection 1  client →  tls    StartupMessage 3.0:".to_owned();
        assert_eq!(found[0].lines, [(Position::entry(0, 0), line)]);
    }
}
