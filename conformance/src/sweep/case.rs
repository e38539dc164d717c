//! The cases of a sweep, and what each of them shows. Pure.

use super::disturbance::Disturbance;
use crate::{
    judge::Invariant,
    results::{CellResult, Observed},
    shim::ClientError,
};

/// One case: which of the logins, and what happens to which byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Case {
    /// The login's place among those that are swept.
    pub(super) login: usize,
    pub(super) disturbance: Disturbance,
    pub(super) at: u64,
}

/// Every case over streams of these lengths, byte by byte.
pub(super) fn cases<'a>(
    lengths: &'a [u64],
    disturbances: &'a [Disturbance],
) -> impl Iterator<Item = Case> + 'a {
    lengths.iter().enumerate().flat_map(move |(login, length)| {
        (0..*length).flat_map(move |at| {
            disturbances.iter().map(move |&disturbance| Case { login, disturbance, at })
        })
    })
}

/// How many there are.
pub(super) fn count(lengths: &[u64], disturbances: &[Disturbance]) -> u64 {
    lengths.iter().sum::<u64>() * disturbances.len() as u64
}

/// How a call ended: what the server saw, and what the client said went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ending {
    pub(super) trace: String,
    pub(super) error: Option<ClientError>,
}

impl Ending {
    pub(super) fn of(observed: &Observed) -> Self {
        Self { trace: observed.trace().to_string(), error: observed.error.clone() }
    }
}

/// What was wrong with a case: cases with the same fault are one finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fault {
    pub(super) broken: Vec<Invariant>,
    /// Where nothing was lost and the call ended otherwise all the same: the trace undisturbed, and
    /// the disturbed one.
    pub(super) changed: Option<(String, String)>,
    /// Where the client died, as far as it does not differ from case to case.
    pub(super) place: Option<String>,
}

impl Fault {
    /// A client's process died behind its answer.
    pub(super) fn behind_its_answer() -> Self {
        Self { broken: vec![Invariant::Crash], changed: None, place: None }
    }
}

/// What is wrong with a case, beside the same login undisturbed.
pub(super) fn fault(
    disturbance: Disturbance,
    undisturbed: &Ending,
    result: &CellResult,
) -> Option<Fault> {
    let ending = result.observed.as_ref().map(Ending::of);
    let changed = ending
        .filter(|ending| disturbance.loses_nothing() && ending != undisturbed)
        .map(|ending| (undisturbed.trace.clone(), ending.trace));
    if result.safety.is_empty() && changed.is_none() {
        return None;
    }
    // A panic's place comes before its words, which may hold numbers of the case.
    let place = result.reason.as_deref().map(|reason| match reason.split_once(": ") {
        Some((place, _)) => place.to_owned(),
        None => reason.to_owned(),
    });
    Some(Fault { broken: result.safety.clone(), changed, place })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cell, axes::Axes};

    #[test]
    fn every_byte_of_every_login_is_disturbed_in_every_way() {
        let (lengths, two) = ([2, 0, 1], [Disturbance::Cut, Disturbance::Split]);
        let all: Vec<_> = cases(&lengths, &two).collect();
        assert_eq!(all.len() as u64, count(&lengths, &two));
        let places: Vec<_> =
            all.iter().map(|case| (case.login, case.at, case.disturbance.name())).collect();
        let wanted = [
            (0, 0, "cut"),
            (0, 0, "split"),
            (0, 1, "cut"),
            (0, 1, "split"),
            (2, 0, "cut"),
            (2, 0, "split"),
        ];
        assert_eq!(places, wanted);
    }

    fn result(trace: &str, safety: &[Invariant], reason: Option<&str>) -> CellResult {
        let cell = Cell { stack: "a".to_owned(), axes: Axes::default() };
        let trace: pgtls_mock_server::trace::Trace = trace.parse().expect("a trace");
        let observed = Some(Observed::of(trace.clone()));
        let (safety, reason) = (safety.to_vec(), reason.map(ToOwned::to_owned));
        CellResult { observed, safety, reason, ..CellResult::unasked(&cell, trace) }
    }

    const WELL: &str = "connect, sslaccept, authok -> ssl";
    const ILL: &str = "connect, sslaccept -> fail";

    fn fault_of(disturbance: Disturbance, result: &CellResult) -> Option<Fault> {
        fault(disturbance, &Ending { trace: WELL.to_owned(), error: None }, result)
    }

    #[test]
    fn to_fail_is_right_where_bytes_are_lost_and_wrong_where_none_is() {
        let failed = result(ILL, &[], None);
        assert_eq!(fault_of(Disturbance::Cut, &failed), None);
        let found = fault_of(Disturbance::Split, &failed).expect("a fault");
        assert_eq!(found.changed, Some((WELL.to_owned(), ILL.to_owned())));
        assert_eq!(fault_of(Disturbance::Split, &result(WELL, &[], None)), None);
        let mut complains = result(WELL, &[], None);
        complains.observed.as_mut().expect("seen").error = Some(ClientError::default());
        assert!(fault_of(Disturbance::Split, &complains).is_some());
    }

    #[test]
    fn deaths_at_one_place_are_one_fault() {
        let died = |words: &str| {
            let reason = format!("panicked at src/a.rs:1:2: {words}");
            fault_of(Disturbance::Cut, &result(ILL, &[Invariant::Crash], Some(&reason)))
        };
        assert_eq!(died("index 1 out of 1"), died("index 2 out of 2"));
        assert_eq!(
            died("index").and_then(|it| it.place).as_deref(),
            Some("panicked at src/a.rs:1:2")
        );
    }
}
