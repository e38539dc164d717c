//! What broke, and where: cases that broke alike are one finding. Pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use pgtls_mock_server::RuleSpec;

use super::{
    case::{Case, Fault},
    disturbance::Disturbance,
};
use crate::{axes::Axes, judge::Invariant};

/// What broke in one or more cases, and in which.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The broken invariants; none where the client merely ended otherwise than undisturbed though no
    /// byte was lost.
    pub broken: Vec<Invariant>,
    /// What the server saw undisturbed, and disturbed, where no byte was lost and the call ended
    /// otherwise all the same.
    pub changed: Option<(String, String)>,
    /// How the client died or hung, in its own words: those of the first case.
    pub how: Option<String>,
    /// In how many cases.
    pub cases: u64,
    /// Which: by login and disturbance, in their order.
    pub places: Vec<Place>,
}

/// Bytes of one login, and what happened to each of them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// The login.
    pub login: Axes,
    /// What happened.
    pub disturbance: Disturbance,
    /// To which bytes: ranges of offsets in the server's stream, both ends included.
    pub offsets: Vec<(u64, u64)>,
}

impl Place {
    /// The rule for the wire that makes the first of these cases again; none where nothing was
    /// disturbed.
    #[must_use]
    pub fn rule(&self) -> Option<RuleSpec> {
        self.disturbance.rule(self.offsets.first()?.0)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.login)?;
        if self.disturbance == Disturbance::None {
            return f.write_str("undisturbed");
        }
        write!(f, "{} at ", self.disturbance)?;
        for (number, (from, to)) in self.offsets.iter().enumerate() {
            let comma = if number == 0 { "" } else { ", " };
            match from == to {
                true => write!(f, "{comma}{from}")?,
                false => write!(f, "{comma}{from}-{to}")?,
            }
        }
        Ok(())
    }
}

impl Finding {
    /// What broke, in a line.
    #[must_use]
    pub fn summary(&self) -> String {
        let ids: Vec<&str> = self.broken.iter().map(|invariant| invariant.id()).collect();
        let mut parts = Vec::new();
        if !ids.is_empty() {
            parts.push(format!("breaks {}", ids.join(", ")));
        }
        if let Some((undisturbed, disturbed)) = &self.changed {
            parts.push(format!(
                "ends otherwise, though no byte is lost: {disturbed}, undisturbed {undisturbed}"
            ));
        }
        let how = self.how.as_ref().map(|how| format!(" ({how})")).unwrap_or_default();
        let cases =
            if self.cases == 1 { "1 case".to_owned() } else { format!("{} cases", self.cases) };
        format!("{}{how}, in {cases}", parts.join("; "))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary())?;
        self.places.iter().try_for_each(|place| write!(f, "\n  {place}"))
    }
}

/// The faults of a sweep so far.
#[derive(Debug, Default)]
pub(super) struct Faults(BTreeMap<Fault, Cases>);

#[derive(Debug, Default)]
struct Cases {
    how: Option<String>,
    offsets: BTreeMap<(usize, Disturbance), BTreeSet<u64>>,
}

impl Faults {
    /// Enters a case, and the client's words on it.
    pub(super) fn enter(&mut self, case: Case, fault: Fault, how: Option<String>) {
        let cases = self.0.entry(fault).or_default();
        let is_first =
            cases.first().is_none_or(|first| (case.login, case.disturbance, case.at) < first);
        // The same words whatever the order in which cases end.
        if is_first {
            cases.how = how;
        }
        cases.offsets.entry((case.login, case.disturbance)).or_default().insert(case.at);
    }

    /// How many different ones there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// One finding for each fault, over these logins.
    pub(super) fn into_findings(self, logins: &[Axes]) -> Vec<Finding> {
        let finding = |(fault, Cases { how, offsets }): (Fault, Cases)| Finding {
            broken: fault.broken,
            changed: fault.changed,
            how,
            cases: offsets.values().map(|offsets| offsets.len() as u64).sum(),
            places: offsets
                .into_iter()
                .filter_map(|((login, disturbance), offsets)| {
                    let login = logins.get(login)?.clone();
                    Some(Place { login, disturbance, offsets: ranges(offsets) })
                })
                .collect(),
        };
        self.0.into_iter().map(finding).collect()
    }
}

impl Cases {
    fn first(&self) -> Option<(usize, Disturbance, u64)> {
        let ((login, disturbance), offsets) = self.offsets.first_key_value()?;
        Some((*login, *disturbance, *offsets.first()?))
    }
}

/// Numbers as ranges, both ends included.
fn ranges(numbers: BTreeSet<u64>) -> Vec<(u64, u64)> {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(number) => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hang() -> Fault {
        Fault { broken: vec![Invariant::Hang], changed: None, place: None }
    }

    #[test]
    fn cases_that_break_alike_are_one_finding_whatever_their_order() {
        let logins = [Axes::default(), "sslmode=require".parse().expect("axes")];
        let cases = [
            (1, Disturbance::Cut, 7),
            (0, Disturbance::Split, 5),
            (0, Disturbance::Split, 3),
            (0, Disturbance::Split, 4),
            (0, Disturbance::Split, 9),
        ];
        let told = |cases: &[(usize, Disturbance, u64)]| {
            let mut faults = Faults::default();
            for (login, disturbance, at) in cases.iter().copied() {
                let case = Case { login, disturbance, at };
                faults.enter(case, hang(), Some(format!("at {at}")));
            }
            assert_eq!(faults.len(), 1);
            faults.into_findings(&logins)
        };
        let found = told(&cases);
        assert_eq!(
            found[0].to_string(),
            "breaks hang (at 3), in 5 cases\n  default: split at 3-5, 9\n  sslmode=require: cut at 7"
        );
        let mut backwards = cases;
        backwards.reverse();
        assert_eq!(told(&backwards), found);
        assert_eq!(found[0].places[1].rule(), Some(RuleSpec::HalfCloseOutbound { at: 7 }));
    }

    #[test]
    fn what_breaks_undisturbed_is_told_to_do_so() {
        let mut faults = Faults::default();
        faults.enter(Case { login: 0, disturbance: Disturbance::None, at: 0 }, hang(), None);
        let found = faults.into_findings(&[Axes::default()]);
        assert_eq!(found[0].to_string(), "breaks hang, in 1 case\n  default: undisturbed");
        assert_eq!(found[0].places[0].rule(), None);
    }
}
