//! Findings in words: what was expected, what happened, why it matters, and the command that
//! shows it again.

use std::{collections::HashSet, fmt::Write as _};

use indexmap::IndexMap;
use pgtls_conformance::{
    Written,
    baseline::{Entry, Finding},
    judge::{Conformance, Invariant},
    results::{CellResult, Observed},
};
use pgtls_mock_server::trace::Trace;

use super::{Again, never::Never, words};
use crate::foreign::Visible;

/// As many cells as are named of findings that are alike.
const NAMED: usize = 3;

/// The findings as text: those alike in stack, verdict, traces and reason are told once. The
/// worst come first.
#[must_use]
pub fn text(findings: &[Finding<'_>]) -> String {
    with_commands(findings, &Again::default(), &[])
}

/// A finding as people may see it.
enum Shown {
    Cell(Visible<CellResult>),
    Changed(Visible<CellResult>, Visible<Entry>),
    Stale(Visible<Entry>),
}

impl Shown {
    fn of(finding: &Finding<'_>) -> Self {
        match finding {
            Finding::Cell(cell) => Self::Cell(Visible::of(cell)),
            Finding::Changed(cell, entry) => Self::Changed(Visible::of(cell), Visible::of(entry)),
            Finding::Stale(entry) => Self::Stale(Visible::of(entry)),
        }
    }
}

/// The same for a run whose cells need more than their id to be shown again, and of which some
/// never connect.
pub(super) fn with_commands(findings: &[Finding<'_>], again: &Again, never: &[Never]) -> String {
    let findings: Vec<Shown> = findings.iter().map(Shown::of).collect();
    let mut groups: IndexMap<Kind<'_>, Vec<&CellResult>> = IndexMap::new();
    let mut rest = String::new();
    for finding in &findings {
        match finding {
            Shown::Cell(cell) => groups.entry(Kind::of(cell, never)).or_default().push(cell),
            Shown::Changed(cell, entry) => {
                let _ = writeln!(
                    rest,
                    "{}: the baseline knows {}{}, and now it is {}{}\n  {}\n",
                    cell.id,
                    entry.conformance,
                    broken(&entry.safety),
                    cell.conformance,
                    broken(&cell.safety),
                    again.command(&cell.stack, &cell.id),
                );
            }
            Shown::Stale(entry) => {
                let _ = writeln!(
                    rest,
                    "{}: the baseline says {}{}, and nothing is wrong any more: take the entry out\n",
                    entry.id,
                    entry.conformance,
                    broken(&entry.safety),
                );
            }
        }
    }
    let mut groups: Vec<(Kind<'_>, Vec<&CellResult>)> = groups.into_iter().collect();
    groups.sort_by_key(|(kind, _)| kind.severity());
    let mut text = String::new();
    for (number, (kind, cells)) in groups.iter().enumerate() {
        let suspect = kind.suspect.and_then(|number| never.get(number));
        let _ = writeln!(text, "{}. {}", number + 1, group(kind, cells, again, suspect));
    }
    text + &rest
}

/// What makes findings alike.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Kind<'a> {
    stack: &'a str,
    conformance: Conformance,
    safety: &'a [Invariant],
    expected: &'a Written<Trace>,
    observed: Option<&'a Written<Trace>>,
    reason: Option<&'a str>,
    /// Which of those that never connect it is one of.
    suspect: Option<usize>,
}

impl<'a> Kind<'a> {
    fn of(cell: &'a CellResult, never: &[Never]) -> Self {
        Self {
            suspect: never.iter().position(|never| never.covers(cell)),
            stack: &cell.stack,
            conformance: cell.conformance,
            safety: &cell.safety,
            expected: &cell.expected.trace,
            observed: cell.observed.as_ref().map(Observed::trace),
            reason: cell.reason.as_deref(),
        }
    }

    /// Broken invariants first, then verdicts from the worst on.
    fn severity(&self) -> (bool, Conformance) {
        (self.safety.is_empty(), self.conformance)
    }
}

fn group(kind: &Kind<'_>, cells: &[&CellResult], again: &Again, suspect: Option<&Never>) -> String {
    let mut text = format!("{}: {}{}", kind.stack, kind.conformance, broken(kind.safety));
    let _ = match cells.len() {
        1 => writeln!(text),
        count => writeln!(text, ", in {count} cells"),
    };
    let _ = writeln!(text, "   expected: libpq {}", words::tell(kind.expected));
    let _ = writeln!(text, "             {}", kind.expected);
    if let Some(observed) = kind.observed {
        let _ = writeln!(text, "   happened: it {}", words::tell(observed));
        let _ = writeln!(text, "             {observed}");
        if let Some(reason) = kind.reason {
            let _ = writeln!(text, "   reason:   {reason}");
        }
    } else {
        let _ = writeln!(text, "   happened: {}", kind.reason.unwrap_or("no observation"));
    }
    if let Some(shown) = cells.iter().find_map(|cell| evidence(cell)) {
        let _ = writeln!(text, "   shown by: {shown}");
    }
    if let Some(said) = cells.iter().find_map(|cell| what_it_said(cell)) {
        let _ = writeln!(text, "   it says:  {said}");
    }
    for why in why(kind, suspect.is_some()) {
        let _ = writeln!(text, "   matters:  {why}");
    }
    if let Some(never) = suspect {
        let cells = never.cells();
        let _ = writeln!(text, "   matters:  no {cells} ever connects: suspect the shim first");
    }
    for cell in cells.iter().take(NAMED) {
        let _ = writeln!(text, "   again:    {}", again.command(&cell.stack, &cell.id));
    }
    if let Some(more) = cells.len().checked_sub(NAMED).filter(|more| *more > 0) {
        let _ = writeln!(text, "             and {more} more like it");
    }
    text
}

/// The client's own words, where they are what it is charged with.
pub(super) fn what_it_said(cell: &CellResult) -> Option<String> {
    let by_its_words = [Invariant::SpoofedError, Invariant::Dishonest];
    let error = cell.observed.as_ref()?.error.as_ref()?;
    let charged = cell.safety.iter().any(|broken| by_its_words.contains(broken));
    charged.then(|| format!("{}: {}", error.class, error.message))
}

/// The first line of the transcript that broke an invariant, and how many there are more.
fn evidence(cell: &CellResult) -> Option<String> {
    let mut lines = cell.evidence.iter().flat_map(|evidence| &evidence.lines);
    let first = lines.next()?;
    let more = lines.filter(|line| *line != first).collect::<HashSet<_>>().len();
    Some(if more == 0 { first.clone() } else { format!("{first}, and {more} more") })
}

/// Why it matters. That a failure is safe says nothing of a client that always fails.
fn why(kind: &Kind<'_>, always_fails: bool) -> Vec<&'static str> {
    if !kind.safety.is_empty() {
        return kind.safety.iter().map(|invariant| invariant.why()).collect();
    }
    if always_fails && matches!(kind.conformance, Conformance::Stricter | Conformance::Departs) {
        return Vec::new();
    }
    vec![match kind.conformance {
        Conformance::Weaker if kind.observed == Some(kind.expected) => {
            "on the same path it sends in clear what libpq does not: a StartupMessage or a password; the transcript shows where"
        }
        Conformance::Weaker => "it is less careful than libpq under the same settings",
        Conformance::Stricter => {
            "what works with libpq under the same settings fails here: safe, and a surprise"
        }
        Conformance::Departs => {
            "the same end by another path: retries or steps that libpq does not make, or lacks"
        }
        _ => "the client did not come to an answer",
    }]
}

fn broken(safety: &[Invariant]) -> String {
    if safety.is_empty() {
        return String::new();
    }
    let ids: Vec<&str> = safety.iter().map(|invariant| invariant.id()).collect();
    format!(", breaks {}", ids.join(", "))
}
