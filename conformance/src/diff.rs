//! What changed between two results.

use indexmap::IndexMap;

use crate::results::{CellResult, Results};

/// One cell in which two results differ.
#[derive(Debug, Clone, PartialEq)]
pub enum Change<'a> {
    /// The second alone has it.
    Appeared(&'a CellResult),
    /// The first alone has it.
    Vanished(&'a CellResult),
    /// Both have it, with other verdicts or another trace.
    Changed(&'a CellResult, &'a CellResult),
}

/// What changed, in the order of the first results, new cells last. The stacks' versions behind
/// an `@` do not tell cells apart, so two releases of one driver can be compared.
#[must_use]
pub fn diff<'a>(before: &'a Results, after: &'a Results) -> Vec<Change<'a>> {
    let mut later: IndexMap<String, &CellResult> =
        after.cells.iter().map(|cell| (key(cell), cell)).collect();
    let mut changes = Vec::new();
    for cell in &before.cells {
        match later.shift_remove(&key(cell)) {
            None => changes.push(Change::Vanished(cell)),
            Some(now) if differs(cell, now) => changes.push(Change::Changed(cell, now)),
            Some(_) => {}
        }
    }
    changes.extend(later.into_values().map(Change::Appeared));
    changes
}

fn key(cell: &CellResult) -> String {
    let name = cell.stack.split_once('@').map_or(cell.stack.as_str(), |(name, _)| name);
    format!("{name}{}", &cell.id[cell.stack.len().min(cell.id.len())..])
}

fn differs(one: &CellResult, other: &CellResult) -> bool {
    let trace = |cell: &CellResult| cell.observed.as_ref().map(|observed| observed.trace.clone());
    one.conformance != other.conformance
        || one.safety != other.safety
        || one.warnings != other.warnings
        || trace(one) != trace(other)
}
