//! What never connects: a mode, or another axis value, with which a client fails wherever libpq
//! connects. More often than a careful driver that is a shim with a typing error, so nobody may
//! read it as a clean bill.

use std::fmt::{self, Display};

use indexmap::IndexMap;
use pgtls_conformance::results::{CellResult, Results};

use crate::foreign::Visible;

/// The axis that is looked at first: what a whole mode explains needs no other explanation.
const MODE: &str = "sslmode";

/// Cells of one stack none of which connects, though libpq would in some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Never {
    stack: String,
    /// What the cells have in common; nothing, where it is every cell of the stack.
    value: Option<(String, String)>,
    /// In how many of them libpq connects.
    expected: usize,
    /// What the client says most often in these.
    said: Option<String>,
}

impl Never {
    pub(super) fn is_of(&self, stack: &str) -> bool {
        self.stack == stack
    }

    /// Whether the cell is one of them.
    pub(super) fn covers(&self, cell: &CellResult) -> bool {
        self.is_of(&cell.stack)
            && self.value.as_ref().is_none_or(|(axis, value)| cell.axes.get(axis) == Some(value))
    }

    /// Which cells they are: "cell" or "cell with sslmode=require".
    pub(super) fn cells(&self) -> String {
        match &self.value {
            Some((axis, value)) => format!("cell with {axis}={value}"),
            None => "cell".to_owned(),
        }
    }
}

impl Display for Never {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (stack, cells, expected) = (&self.stack, self.cells(), self.expected);
        write!(f, "{stack}: no {cells} ever connects; libpq connects in {expected} of them. ")?;
        f.write_str("Suspect the shim before the driver: nothing is known of its safety there.")?;
        match &self.said {
            Some(said) => write!(f, " It says: {said}"),
            None => Ok(()),
        }
    }
}

/// Everything that never connects, the widest explanation first and each cell explained once.
pub(super) fn connects(results: &Visible<Results>) -> Vec<Never> {
    let mut stacks: IndexMap<&str, Vec<&CellResult>> = IndexMap::new();
    for cell in results.cells.iter().filter(|cell| cell.observed.is_some()) {
        stacks.entry(&cell.stack).or_default().push(cell);
    }
    stacks.iter().flat_map(|(stack, cells)| of_stack(stack, cells)).collect()
}

fn of_stack(stack: &str, cells: &[&CellResult]) -> Vec<Never> {
    if let Some(all) = never(stack, None, cells) {
        return vec![all];
    }
    let mut values: IndexMap<(&str, &str), Vec<&CellResult>> = IndexMap::new();
    for cell in cells {
        for (axis, value) in &cell.axes {
            values.entry((axis, value)).or_default().push(cell);
        }
    }
    let mut found: Vec<Never> = Vec::new();
    let (modes, others): (Vec<_>, Vec<_>) =
        values.into_iter().partition(|((axis, _), _)| *axis == MODE);
    for ((axis, value), cells) in modes.into_iter().chain(others) {
        let unexplained: Vec<&CellResult> = cells
            .into_iter()
            .filter(|cell| !found.iter().any(|never| never.covers(cell)))
            .collect();
        found.extend(never(stack, Some((axis.to_owned(), value.to_owned())), &unexplained));
    }
    found
}

fn never(stack: &str, value: Option<(String, String)>, cells: &[&CellResult]) -> Option<Never> {
    if cells.iter().any(|cell| cell.observed.as_ref().is_some_and(|seen| is_a_query(&seen.outcome)))
    {
        return None;
    }
    let expected: Vec<&&CellResult> = cells
        .iter()
        .filter(|cell| {
            let end = cell.expected.trace.rsplit_once(" -> ");
            end.is_some_and(|(_, outcome)| is_a_query(outcome))
        })
        .collect();
    let mut said: IndexMap<String, usize> = IndexMap::new();
    for words in expected.iter().filter_map(|cell| words(cell)) {
        *said.entry(words).or_default() += 1;
    }
    // Of those that are as frequent, the first.
    let said = said.into_iter().rev().max_by_key(|(_, count)| *count).map(|(words, _)| words);
    (!expected.is_empty()).then(|| Never {
        stack: stack.to_owned(),
        value,
        expected: expected.len(),
        said,
    })
}

fn is_a_query(outcome: &str) -> bool {
    matches!(outcome, "ssl" | "plain" | "gss")
}

fn words(cell: &CellResult) -> Option<String> {
    match &cell.observed.as_ref()?.error {
        Some(error) => Some(format!("{}: {}", error.class, error.message)),
        None => cell.reason.clone(),
    }
}
