//! Cells laid out for a reader: modes across, server behaviours down, one grid a stack.

use indexmap::{IndexMap, IndexSet};
use pgtls_conformance::{
    axes::{Axes, Sslmode},
    judge::Conformance,
    results::{CellResult, Results},
};

use crate::foreign::Visible;

/// One stack's cells.
#[derive(Debug)]
pub struct Grid<'a> {
    /// The stack's name.
    pub stack: &'a str,
    /// The modes that occur, as columns.
    pub modes: Vec<&'a str>,
    /// The server behaviours.
    pub rows: Vec<Row<'a>>,
}

/// One server behaviour.
#[derive(Debug)]
pub struct Row<'a> {
    /// The axes that differ from their default, the mode aside: terms for `--filter`.
    pub label: String,
    /// A cell for each of the grid's modes, where there is one.
    pub cells: Vec<Option<&'a CellResult>>,
}

/// The grids of all stacks that ran.
#[must_use]
pub fn grids(results: &Visible<Results>) -> Vec<Grid<'_>> {
    let mut stacks: IndexMap<&str, Vec<&CellResult>> = IndexMap::new();
    for cell in &results.cells {
        stacks.entry(&cell.stack).or_default().push(cell);
    }
    stacks.into_iter().map(|(stack, cells)| grid(stack, &cells)).collect()
}

fn grid<'a>(stack: &'a str, cells: &[&'a CellResult]) -> Grid<'a> {
    let seen: IndexSet<&str> = cells.iter().map(|cell| mode(cell)).collect();
    let modes: Vec<&'a str> = Sslmode::BY_STRICTNESS
        .iter()
        .map(|mode| mode.name())
        .filter(|mode| seen.contains(mode))
        .collect();
    let mut rows: IndexMap<String, Vec<Option<&'a CellResult>>> = IndexMap::new();
    for cell in cells {
        let row = rows.entry(label(cell)).or_insert_with(|| vec![None; modes.len()]);
        if let Some(column) = modes.iter().position(|known| *known == mode(cell)) {
            row[column] = Some(cell);
        }
    }
    let rows = rows.into_iter().map(|(label, cells)| Row { label, cells }).collect();
    Grid { stack, modes, rows }
}

fn mode(cell: &CellResult) -> &str {
    cell.axes.value(Sslmode::AXIS).unwrap_or_default()
}

fn label(cell: &CellResult) -> String {
    // Results of another version may know other axes; their cells still have a row.
    let axes = Axes { sslmode: Sslmode::default(), ..cell.axes.known().clone() };
    if axes == Axes::default() { "an honest server".to_owned() } else { axes.to_string() }
}

impl Row<'_> {
    /// Whether nothing in the row is worth a look.
    #[must_use]
    pub fn is_dull(&self) -> bool {
        self.cells.iter().flatten().all(|cell| !cell.is_finding())
    }
}

/// What stands in a grid's field: the outcome, and a sign for the verdict.
pub(super) fn field(cell: Option<&CellResult>) -> String {
    let Some(cell) = cell else { return String::new() };
    let outcome = cell.observed.as_ref().map_or_else(String::new, |it| it.outcome().to_string());
    match sign(cell) {
        "·" => "·".to_owned(),
        "" => outcome,
        sign => format!("{outcome} {sign}"),
    }
}

/// One character a verdict, so that a table without colour can be read.
pub(super) fn sign(cell: &CellResult) -> &'static str {
    if !cell.safety.is_empty() {
        return "✘";
    }
    match cell.conformance {
        Conformance::Agrees => "",
        Conformance::Unsupported => "·",
        Conformance::Weaker => "▼",
        Conformance::Stricter => "▲",
        Conformance::Departs => "~",
        Conformance::Crash | Conformance::Hang => "✘",
        Conformance::Inconclusive => "?",
    }
}

/// What the signs mean.
pub(super) const LEGEND: &str = "ssl, plain, fail: how it ended, as libpq would   ✘ an invariant is broken   \
▼ weaker than libpq   ▲ stricter   ~ another path   · unsupported   ? inconclusive";
