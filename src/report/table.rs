//! The table that a person reads at a glance.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table, presets};
use pgtls_conformance::{
    baseline::Finding,
    judge::{Conformance, Invariant},
    results::{CellResult, Results, Stack},
};

use super::{
    Again, findings,
    grid::{self, Grid, LEGEND, field, grids},
    inconclusive,
    never::{self, Never},
};
use crate::foreign::Visible;

/// From so many rows on, those in which nothing is wrong are only counted.
const ROWS_SHOWN: usize = 64;

/// The whole report: what never connects, a grid for each stack, the findings in words, a summary.
#[must_use]
pub fn render(results: &Results, findings: &[Finding<'_>], again: &Again, colour: bool) -> String {
    let results = &Visible::of(results);
    let never = never::connects(results);
    let mut text = String::new();
    for never in &never {
        let _ = writeln!(text, "{}\n", bold(&never.to_string(), colour));
    }
    for grid in grids(results) {
        let _ = writeln!(
            text,
            "{}\n{}",
            bold(&title(results, grid.stack), colour),
            grid_table(&grid, colour)
        );
    }
    if !results.cells.is_empty() {
        let _ = writeln!(text, "{LEGEND}\n");
    }
    if !findings.is_empty() {
        let told = findings::with_commands(findings, again, &never);
        let _ = writeln!(text, "{}\n{told}", bold("Findings", colour));
    }
    let _ = writeln!(text, "{}\n{}", bold("Summary", colour), summary(results, &never, colour));
    let count = findings.len();
    let _ = write!(
        text,
        "{} cells, {count} finding{}; reference {}, suite {}, seed {}",
        results.cells.len(),
        if count == 1 { "" } else { "s" },
        results.reference,
        results.suite,
        results.seed
    );
    text
}

fn title(results: &Visible<Results>, name: &str) -> String {
    let stack = results.stacks.iter().find(|stack| stack.name == name);
    let version = stack.and_then(|stack| stack.version.as_deref()).unwrap_or_default();
    let tls = stack.and_then(|stack| stack.tls.as_deref()).filter(|tls| !tls.is_empty());
    match tls {
        Some(tls) => format!("{name} {version} ({tls})"),
        None => format!("{name} {version}"),
    }
}

fn grid_table(grid: &Grid<'_>, colour: bool) -> String {
    let mut table = new_table(colour);
    let header =
        std::iter::once("server, and what the client trusts").chain(grid.modes.iter().copied());
    table.set_header(header);
    let all = grid.rows.len() <= ROWS_SHOWN;
    let mut dull = 0;
    for row in &grid.rows {
        if !all && row.is_dull() {
            dull += 1;
            continue;
        }
        let fields = row.cells.iter().map(|cell| painted(*cell, colour));
        table.add_row(std::iter::once(Cell::new(&row.label)).chain(fields));
    }
    let mut text = table.to_string();
    if dull > 0 {
        let _ = write!(
            text,
            "\n{dull} more rows in which every mode agrees with libpq or is unsupported"
        );
    }
    text + "\n"
}

fn painted(cell: Option<&CellResult>, colour: bool) -> Cell {
    let painted = Cell::new(field(cell));
    let Some(cell) = cell.filter(|_| colour) else { return painted };
    match (grid::sign(cell), cell.conformance) {
        ("✘", _) => painted.fg(Color::Red).add_attribute(Attribute::Bold),
        (_, Conformance::Weaker) => painted.fg(Color::Red),
        (_, Conformance::Stricter) => painted.fg(Color::Yellow),
        (_, Conformance::Departs) => painted.fg(Color::Cyan),
        (_, Conformance::Unsupported | Conformance::Inconclusive) => painted.fg(Color::DarkGrey),
        _ => painted.fg(Color::Green),
    }
}

/// A line a stack: how many cells of each verdict, and which invariants broke how often.
fn summary(results: &Visible<Results>, never: &[Never], colour: bool) -> String {
    let mut table = new_table(colour);
    let verdicts = [
        Conformance::Agrees,
        Conformance::Departs,
        Conformance::Stricter,
        Conformance::Weaker,
        Conformance::Hang,
        Conformance::Crash,
        Conformance::Unsupported,
        Conformance::Inconclusive,
    ];
    let verdicts: Vec<_> = inconclusive::columns(results, &verdicts).collect();
    let names = verdicts.iter().map(|verdict| verdict.name());
    table.set_header(std::iter::once("stack").chain(names).chain(["broken invariants"]));
    let mut idle = Vec::new();
    for stack in &results.stacks {
        let Some(cells) = cells_of(results, stack) else {
            idle.push(format!("{} {}", stack.name, why_no_cells(stack)));
            continue;
        };
        let counts = verdicts.iter().map(|verdict| {
            let count = cells.iter().filter(|cell| cell.conformance == **verdict).count();
            if count == 0 { String::new() } else { count.to_string() }
        });
        let broken = broken(&stack.name, &cells, never);
        let mut last = Cell::new(&broken);
        if colour {
            last = if broken == NONE {
                last.fg(Color::Green)
            } else {
                last.fg(Color::Red).add_attribute(Attribute::Bold)
            };
        }
        let row =
            std::iter::once(Cell::new(&stack.name)).chain(counts.map(Cell::new)).chain([last]);
        table.add_row(row);
    }
    let lines = idle.into_iter().chain(inconclusive::lines(results));
    std::iter::once(table.to_string()).chain(lines).collect::<Vec<_>>().join("\n")
}

pub(super) fn cells_of<'a>(results: &'a Results, stack: &Stack) -> Option<Vec<&'a CellResult>> {
    let cells: Vec<&CellResult> =
        results.cells.iter().filter(|cell| cell.stack == stack.name).collect();
    (stack.could_not_run.is_none() && !cells.is_empty()).then_some(cells)
}

/// Why a stack has no cells: an interrupt, a filter or a part of a run may leave it none.
pub(super) fn why_no_cells(stack: &Stack) -> String {
    match &stack.could_not_run {
        Some(reason) => format!("could not run: {reason}"),
        None => "was asked nothing".to_owned(),
    }
}

/// What stands where no invariant broke.
const NONE: &str = "none";

/// Which invariants broke how often; that none did says little where nothing connects.
pub(super) fn broken(stack: &str, cells: &[&CellResult], never: &[Never]) -> String {
    let counted: Vec<String> = Invariant::ALL
        .into_iter()
        .filter_map(|invariant| {
            let count = cells.iter().filter(|cell| cell.safety.contains(&invariant)).count();
            (count > 0).then(|| format!("{invariant} ×{count}"))
        })
        .collect();
    if !counted.is_empty() {
        return counted.join(", ");
    }
    let never = never.iter().filter(|never| never.is_of(stack));
    let never: Vec<String> = never.map(|never| format!("no {} connects", never.cells())).collect();
    if never.is_empty() { NONE.to_owned() } else { never.join(", ") }
}

fn new_table(colour: bool) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Disabled);
    if colour {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table
}

fn bold(text: &str, colour: bool) -> String {
    let style = Style::new().bold().fg_color(Some(AnsiColor::White.into()));
    if colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
}
