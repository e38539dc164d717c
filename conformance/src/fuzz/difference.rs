//! Differences: the same scenario on several stacks, of which one does something else than all others.
//! It need be no fault; where all others agree, it is worth a look.

use std::{collections::BTreeMap, sync::Arc};

use futures_util::{StreamExt as _, stream};

use super::{features::outcome, scenario::Scenario, shape};
use crate::runner::Subject;

/// As few stacks agree at the least, for one that does not to stand alone.
const FEWEST_OTHERS: usize = 2;
/// So many scenarios are tried side by side.
const SIDE_BY_SIDE: usize = 32;

/// What one stack does where all others do something else.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The stack's place among those that were compared.
    pub stack: usize,
    /// What it comes to: `plain`, `ssl`, `fail`, `hang` or `crash`.
    pub outcome: String,
    /// What all others come to.
    pub others: String,
    /// In how many scenarios.
    pub times: usize,
    /// What the client is told and what the server does in one of them.
    pub example: String,
}

/// Tries scenarios on all of the stacks, and tells who stands alone: by the stack and the outcomes.
pub async fn differences(subjects: &[Subject<'_>], scenarios: &[Arc<Scenario>]) -> Vec<Difference> {
    let mut found: BTreeMap<(usize, String, String), Difference> = BTreeMap::new();
    let mut tried = stream::iter(scenarios)
        .map(|scenario| async move { (scenario, outcomes(subjects, scenario).await) })
        .buffered(SIDE_BY_SIDE);
    while let Some((scenario, outcomes)) = tried.next().await {
        let Some((stack, outcome, others)) = alone(&outcomes) else { continue };
        let key = (stack, outcome.to_owned(), others.to_owned());
        let difference = found.entry(key).or_insert_with(|| Difference {
            stack,
            outcome: outcome.to_owned(),
            others: others.to_owned(),
            times: 0,
            example: format!("{}: {}", scenario.settings_text(), shape::words(scenario)),
        });
        difference.times += 1;
    }
    found.into_values().collect()
}

/// What each stack comes to; `None` of one that cannot be asked.
async fn outcomes(subjects: &[Subject<'_>], scenario: &Scenario) -> Vec<Option<String>> {
    let (axes, server) = (scenario.axes(), scenario.server());
    let mut outcomes = Vec::new();
    for subject in subjects {
        outcomes.push(if subject.supports(&axes) {
            outcome(&subject.try_server(&axes, &server, &scenario.fetch).await)
        } else {
            None
        });
    }
    outcomes
}

/// The one that stands alone, what it comes to, and what all others come to.
fn alone(outcomes: &[Option<String>]) -> Option<(usize, &str, &str)> {
    let asked: Vec<(usize, &str)> =
        outcomes.iter().enumerate().filter_map(|(at, it)| Some((at, it.as_deref()?))).collect();
    if asked.len() <= FEWEST_OTHERS {
        return None;
    }
    asked.iter().find_map(|&(at, outcome)| {
        let mut others = asked.iter().filter(|other| other.0 != at).map(|other| other.1);
        let first = others.next()?;
        (first != outcome && others.all(|other| other == first)).then_some((at, outcome, first))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_stands_alone_where_two_or_more_agree() {
        let of = |outcomes: &[&str]| {
            let outcomes: Vec<_> =
                outcomes.iter().map(|it| (!it.is_empty()).then(|| (*it).to_owned())).collect();
            alone(&outcomes)
                .map(|(at, outcome, others)| (at, outcome.to_owned(), others.to_owned()))
        };
        let wanted = Some((1, "ssl".to_owned(), "fail".to_owned()));
        assert_eq!(of(&["fail", "ssl", "fail"]), wanted);
        assert_eq!(of(&["fail", "ssl", "", "fail"]), wanted);
        for none in
            [&["fail", "ssl"][..], &["fail", "ssl", "plain"], &["fail"; 3], &["fail", "ssl", ""]]
        {
            assert_eq!(of(none), None, "{none:?}");
        }
    }
}
