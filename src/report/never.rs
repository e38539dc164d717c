//! What never connects: a mode, or another axis value, with which a client fails wherever libpq
//! connects. More often than a careful driver that is a shim with a typing error, so nobody may
//! read it as a clean bill.

use std::fmt::{self, Display};

use indexmap::IndexMap;
use pgtls_conformance::results::{CellResult, Observed, Results};

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
            && self.value.as_ref().is_none_or(|(axis, value)| cell.axes.value(axis) == Some(value))
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
        for (axis, value) in cell.axes.iter() {
            values.entry((axis, value)).or_default().push(cell);
        }
    }
    // A mode explains what another axis explains as well.
    let (modes, others): (Vec<_>, Vec<_>) =
        values.into_iter().partition(|((axis, _), _)| *axis == MODE);
    let mut candidates: Vec<(Never, Vec<&CellResult>)> = modes
        .into_iter()
        .chain(others)
        .filter_map(|((axis, value), cells)| {
            let never = never(stack, Some((axis.to_owned(), value.to_owned())), &cells)?;
            Some((never, cells.into_iter().filter(|cell| is_expected(cell)).collect()))
        })
        .collect();
    let mut found = Vec::new();
    loop {
        candidates.retain(|(_, unexplained)| !unexplained.is_empty());
        // Of those that explain as much, the first.
        let widest = candidates.iter().rev().max_by_key(|(_, unexplained)| unexplained.len());
        let Some((widest, _)) = widest.cloned() else { return found };
        for (_, unexplained) in &mut candidates {
            unexplained.retain(|cell| !widest.covers(cell));
        }
        found.push(widest);
    }
}

fn never(stack: &str, value: Option<(String, String)>, cells: &[&CellResult]) -> Option<Never> {
    if cells.iter().any(|cell| cell.observed.as_ref().is_some_and(is_connected)) {
        return None;
    }
    let expected: Vec<&&CellResult> = cells.iter().filter(|cell| is_expected(cell)).collect();
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

/// Whether libpq connects there.
fn is_expected(cell: &CellResult) -> bool {
    cell.expected.trace.known().is_some_and(|trace| trace.outcome.is_connected())
}

fn is_connected(observed: &Observed) -> bool {
    observed.outcome().known().is_some_and(|outcome| outcome.is_connected())
}

fn words(cell: &CellResult) -> Option<String> {
    match &cell.observed.as_ref()?.error {
        Some(error) => Some(format!("{}: {}", error.class, error.message)),
        None => cell.reason.clone(),
    }
}

#[cfg(test)]
mod tests {
    use pgtls_conformance::{judge::Conformance, shim::ClientError};
    use pgtls_mock_server::trace::Trace;

    use super::*;

    fn cell(axes: &[(&str, &str)], expected: &str, observed: &str) -> CellResult {
        let terms: Vec<String> =
            axes.iter().map(|(axis, value)| format!("{axis}={value}")).collect();
        let cell = format!("a:{}", terms.join(",")).parse().expect("a cell");
        let trace = |outcome| format!("connect -> {outcome}").parse::<Trace>().expect("a trace");
        let mut seen = Observed::of(trace(observed));
        seen.error = Some(ClientError { class: "E".to_owned(), message: observed.to_owned() });
        let mut result = CellResult::unasked(&cell, trace(expected));
        result.observed = Some(seen);
        result.conformance = Conformance::Stricter;
        result
    }

    fn told(cells: &[CellResult]) -> Vec<String> {
        let cells: Vec<&CellResult> = cells.iter().collect();
        of_stack("a", &cells).iter().map(Never::cells).collect()
    }

    #[test]
    fn the_widest_explanation_is_the_only_one() {
        let (require, prefer) = (("sslmode", "require"), ("sslmode", "prefer"));
        let (plain, direct) = (("sslnegotiation", "postgres"), ("sslnegotiation", "direct"));
        let nothing =
            [cell(&[plain, require], "ssl", "fail"), cell(&[direct, prefer], "ssl", "hang")];
        assert_eq!(told(&nothing), ["cell"]);
        let a_mode = [
            cell(&[plain, require], "ssl", "fail"),
            cell(&[direct, require], "ssl", "crash"),
            cell(&[plain, prefer], "plain", "plain"),
        ];
        assert_eq!(told(&a_mode), ["cell with sslmode=require"]);
        let a_value = [
            cell(&[plain, require], "ssl", "ssl"),
            cell(&[direct, require], "ssl", "fail"),
            cell(&[direct, prefer], "ssl", "fail"),
            cell(&[plain, prefer], "ssl", "ssl"),
        ];
        assert_eq!(told(&a_value), ["cell with sslnegotiation=direct"]);
    }

    #[test]
    fn where_libpq_does_not_connect_either_nothing_is_said() {
        let require = ("sslmode", "require");
        assert_eq!(told(&[cell(&[require], "fail", "fail")]), [""; 0]);
        assert_eq!(
            told(&[cell(&[require], "fail", "fail"), cell(&[require], "ssl", "gss")]),
            [""; 0]
        );
    }

    #[test]
    fn the_words_are_those_said_most_often() {
        let cells = ["fail", "hang", "hang"].map(|end| cell(&[("sslmode", "allow")], "ssl", end));
        let cells: Vec<&CellResult> = cells.iter().collect();
        let told = of_stack("a", &cells)[0].to_string();
        assert!(
            told.contains("libpq connects in 3 of them") && told.ends_with("E: hang"),
            "{told}"
        );
    }
}
