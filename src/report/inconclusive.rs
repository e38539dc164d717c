//! What the tool itself could not measure: said by its reason, and never held against a client.

use indexmap::IndexMap;
use pgtls_conformance::{
    judge::Conformance,
    results::{CellResult, Results},
};

/// A line for each reason, with how many cells it cost and of which stacks.
pub(super) fn lines(results: &Results) -> Vec<String> {
    let mut reasons: IndexMap<&str, Vec<&CellResult>> = IndexMap::new();
    for cell in results.cells.iter().filter(|cell| is_inconclusive(cell)) {
        reasons.entry(cell.reason.as_deref().unwrap_or_default()).or_default().push(cell);
    }
    let line = |(reason, cells): (&str, Vec<&CellResult>)| {
        let mut stacks: Vec<&str> = cells.iter().map(|cell| cell.stack.as_str()).collect();
        stacks.dedup();
        let count = cells.len();
        let plural = if count == 1 { "" } else { "s" };
        format!(
            "{count} cell{plural} inconclusive, of {}: the tool was short of means: {reason}",
            stacks.join(", ")
        )
    };
    reasons.into_iter().map(line).collect()
}

/// The verdicts that have a column: all, and `inconclusive` where there is such a cell.
pub(super) fn columns<'a>(
    results: &Results,
    verdicts: &'a [Conformance],
) -> impl Iterator<Item = &'a Conformance> {
    let any = results.cells.iter().any(is_inconclusive);
    verdicts.iter().filter(move |verdict| any || **verdict != Conformance::Inconclusive)
}

fn is_inconclusive(cell: &CellResult) -> bool {
    cell.conformance == Conformance::Inconclusive
}
