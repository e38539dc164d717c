//! Results as Markdown, for a pull request or a wiki.

use std::fmt::Write as _;

use pgtls_conformance::{baseline::Finding, judge::Conformance, results::Results};

use super::{
    Again, findings,
    grid::{LEGEND, field, grids},
    table::{broken, cells_of, why_no_cells},
};

/// The whole report.
#[must_use]
pub fn render(results: &Results, findings: &[Finding<'_>], again: &Again) -> String {
    let mut text = format!(
        "# pgtls: {} suite against {}\n\nSeed {}.\n\n| stack |",
        results.suite, results.reference, results.seed
    );
    for verdict in Conformance::ALL {
        let _ = write!(text, " {verdict} |");
    }
    text.push_str(" broken invariants |\n| --- |");
    text.push_str(&" ---: |".repeat(Conformance::ALL.len()));
    text.push_str(" --- |\n");
    for stack in &results.stacks {
        let name = escape(&stack.name);
        let Some(cells) = cells_of(results, stack) else {
            let empty = " |".repeat(Conformance::ALL.len());
            let _ = writeln!(text, "| {name} |{empty} {} |", escape(&why_no_cells(stack)));
            continue;
        };
        let _ = write!(text, "| {name} |");
        for verdict in Conformance::ALL {
            let count = cells.iter().filter(|cell| cell.conformance == verdict).count();
            let _ = write!(text, " {count} |");
        }
        let _ = writeln!(text, " {} |", broken(&cells));
    }
    for grid in grids(results) {
        let _ =
            write!(text, "\n## {}\n\n| server, and what the client trusts |", escape(grid.stack));
        for mode in &grid.modes {
            let _ = write!(text, " {mode} |");
        }
        let _ = writeln!(text, "\n|{}", " --- |".repeat(grid.modes.len() + 1));
        for row in &grid.rows {
            let _ = write!(text, "| {} |", escape(&row.label));
            for cell in &row.cells {
                let _ = write!(text, " {} |", field(*cell));
            }
            text.push('\n');
        }
    }
    let _ = writeln!(text, "\n{LEGEND}");
    if !findings.is_empty() {
        let told = findings::with_commands(findings, again);
        let _ = write!(text, "\n## Findings\n\n```text\n{told}```\n");
    }
    text
}

fn escape(text: &str) -> String {
    text.replace('|', "\\|").replace('*', "\\*").replace('\n', " ")
}
