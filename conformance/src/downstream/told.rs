//! Findings as whoever reads a test's output wants them: alike told once. Pure.

use std::fmt::Write as _;

use crate::{
    Cell,
    baseline::Finding,
    judge::{Conformance, Invariant},
    results::CellResult,
};

/// As many cells of those that are alike are named.
const NAMED: usize = 8;

/// What cells have in common that are told as one.
#[derive(PartialEq)]
struct Alike<'a> {
    conformance: Conformance,
    safety: &'a [Invariant],
    expected: String,
    observed: Option<String>,
}

impl<'a> Alike<'a> {
    fn of(cell: &'a CellResult) -> Self {
        Self {
            conformance: cell.conformance,
            safety: &cell.safety,
            expected: cell.expected.trace.to_string(),
            observed: cell.observed.as_ref().map(|observed| observed.trace().to_string()),
        }
    }
}

/// Each finding, those alike told once.
pub(super) fn findings(findings: &[Finding<'_>]) -> String {
    let mut text = String::new();
    let mut groups: Vec<(Alike<'_>, Vec<&CellResult>)> = Vec::new();
    for finding in findings {
        match finding {
            Finding::Cell(cell) | Finding::Changed(cell, _) => {
                let alike = Alike::of(cell);
                match groups.iter_mut().find(|(other, _)| *other == alike) {
                    Some((_, cells)) => cells.push(cell),
                    None => groups.push((alike, vec![cell])),
                }
            }
            Finding::Stale(entry) => {
                let _ = write!(
                    text,
                    "\nthe baseline says {} of {}, and nothing is wrong there\n",
                    entry.conformance, entry.id
                );
            }
        }
    }
    // The worst first: what breaks an invariant, then as verdicts are ordered.
    groups.sort_by_key(|(alike, _)| (alike.safety.is_empty(), alike.conformance));
    for (alike, cells) in &groups {
        group(&mut text, alike, cells);
    }
    text
}

fn group(text: &mut String, alike: &Alike<'_>, cells: &[&CellResult]) {
    let broken: Vec<&str> = alike.safety.iter().map(|invariant| invariant.id()).collect();
    let breaks =
        if broken.is_empty() { String::new() } else { format!("breaks {}, ", broken.join(", ")) };
    let number =
        if cells.len() == 1 { "1 cell".to_owned() } else { format!("{} cells", cells.len()) };
    let _ = writeln!(text, "\n{breaks}{}, in {number}", alike.conformance);
    let _ = writeln!(text, "  libpq:    {}", alike.expected);
    if let Some(observed) = &alike.observed {
        let _ = writeln!(text, "  observed: {observed}");
    }
    for invariant in alike.safety {
        let _ = writeln!(text, "  {invariant} matters: {}", invariant.why());
    }
    let Some(first) = cells.first() else { return };
    let said = first.observed.as_ref().and_then(|observed| observed.error.as_ref());
    if let Some(said) = said.map(|error| &error.message).or(first.reason.as_ref()) {
        let _ = writeln!(text, "  it says:  {}", one_line(said));
    }
    for line in first.evidence.iter().flat_map(|evidence| &evidence.lines) {
        let _ = writeln!(text, "    {}", one_line(line));
    }
    for cell in cells.iter().take(NAMED) {
        let _ = writeln!(text, "  {}", settings(cell));
    }
    if cells.len() > NAMED {
        let _ = writeln!(text, "  … and {} more", cells.len() - NAMED);
    }
}

/// A cell's settings, which are a filter for it.
pub(super) fn settings(cell: &CellResult) -> String {
    cell.id.parse::<Cell>().map_or_else(|_| cell.id.clone(), |cell| cell.axes.to_string())
}

/// What others wrote, on one line and with nothing in it that a terminal obeys.
pub(super) fn one_line(text: &str) -> String {
    let escape = |c: char| -> String {
        if c.is_control() { c.escape_default().to_string() } else { c.to_string() }
    };
    text.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use pgtls_mock_server::trace::Trace;

    use super::*;
    use crate::{results::Observed, shim::ClientError};

    fn cell(id: &str, trace: &str, safety: &[Invariant]) -> CellResult {
        let cell: Cell = id.parse().expect("a cell");
        let read = |trace: &str| trace.parse::<Trace>().expect("a trace");
        let mut observed = Observed::of(read(trace));
        observed.error =
            Some(ClientError { class: String::new(), message: "no\nsuch \u{1b}[2J".to_owned() });
        CellResult {
            observed: Some(observed),
            conformance: Conformance::Weaker,
            safety: safety.to_vec(),
            ..CellResult::unasked(&cell, read("connect, sslreject -> fail"))
        }
    }

    #[test]
    fn what_is_alike_is_told_once_and_what_breaks_comes_first() {
        const PLAIN: &str = "connect, sslreject, authok -> plain";
        let weaker = cell("a:reply=garbage", PLAIN, &[]);
        let broken = [Invariant::PlaintextPassword];
        let first = cell("a:reply=refuse,sslmode=require", PLAIN, &broken);
        let second = cell("a:reply=refuse,sslmode=verify-ca", PLAIN, &broken);
        let told =
            findings(&[Finding::Cell(&weaker), Finding::Cell(&first), Finding::Cell(&second)]);
        let wanted = "
breaks plaintext-password, weaker, in 2 cells
  libpq:    connect, sslreject -> fail
  observed: connect, sslreject, authok -> plain
  plaintext-password matters: anybody on the path reads the password although encryption was demanded
  it says:  no\\nsuch \\u{1b}[2J
  reply=refuse,sslmode=require
  reply=refuse,sslmode=verify-ca

weaker, in 1 cell
";
        assert!(told.starts_with(wanted), "{told}");
    }
}
