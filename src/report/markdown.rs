//! Results as Markdown, for a pull request or a wiki.

use std::fmt::Write as _;

use pgtls_conformance::{baseline::Finding, judge::Conformance, results::Results};

use super::{
    Again, findings,
    grid::{LEGEND, field, grids},
    inconclusive, never,
    table::{broken, cells_of, why_no_cells},
};
use crate::foreign::Visible;

/// The whole report.
#[must_use]
pub fn render(results: &Results, findings: &[Finding<'_>], again: &Again) -> String {
    let results = &Visible::of(results);
    let never = never::connects(results);
    let mut text = format!(
        "# pgtls: {} suite against {}\n\nSeed {}.\n\n",
        inline(&results.suite.to_string()),
        inline(&results.reference.to_string()),
        inline(&results.seed.to_string())
    );
    for never in &never {
        let _ = writeln!(text, "**Nothing connects:** {}\n", inline(&never.to_string()));
    }
    for line in inconclusive::lines(results) {
        let _ = writeln!(text, "{}\n", inline(&line));
    }
    let verdicts: Vec<_> = inconclusive::columns(results, &Conformance::ALL).copied().collect();
    text.push_str("| stack |");
    for verdict in &verdicts {
        let _ = write!(text, " {verdict} |");
    }
    text.push_str(" broken invariants |\n| --- |");
    text.push_str(&" ---: |".repeat(verdicts.len()));
    text.push_str(" --- |\n");
    for stack in &results.stacks {
        let name = inline(&stack.name);
        let Some(cells) = cells_of(results, stack) else {
            let empty = " |".repeat(verdicts.len());
            let _ = writeln!(text, "| {name} |{empty} {} |", inline(&why_no_cells(stack)));
            continue;
        };
        let _ = write!(text, "| {name} |");
        for verdict in &verdicts {
            let count = cells.iter().filter(|cell| cell.conformance == *verdict).count();
            let _ = write!(text, " {count} |");
        }
        let _ = writeln!(text, " {} |", inline(&broken(&stack.name, &cells, &never)));
    }
    for grid in grids(results) {
        let _ =
            write!(text, "\n## {}\n\n| server, and what the client trusts |", inline(grid.stack));
        for mode in &grid.modes {
            let _ = write!(text, " {} |", inline(mode));
        }
        let _ = writeln!(text, "\n|{}", " --- |".repeat(grid.modes.len() + 1));
        for row in &grid.rows {
            let _ = write!(text, "| {} |", inline(&row.label));
            for cell in &row.cells {
                let _ = write!(text, " {} |", inline(&field(*cell)));
            }
            text.push('\n');
        }
    }
    let _ = writeln!(text, "\n{LEGEND}");
    if !findings.is_empty() {
        let told = findings::with_commands(findings, again, &never);
        let fence = fence(&told);
        let _ = write!(text, "\n## Findings\n\n{fence}text\n{told}{fence}\n");
    }
    text
}

/// A text in a sentence, a heading or a table: as it is where nothing in it means anything to
/// Markdown, else as code, in which only backticks mean something. A table takes a bar for the end
/// of its field even in code, so a bar is written as what a control is.
fn inline(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    let text = text.replace('|', "\\x7c");
    let ticks = "`".repeat(longest_ticks(&text) + 1);
    // A tick at either end would join those around it; one space at both ends is not shown.
    if text.starts_with('`') || text.ends_with('`') || text.trim() != text {
        return format!("{ticks} {text} {ticks}");
    }
    format!("{ticks}{text}{ticks}")
}

/// Whether Markdown and those who extend it see nothing but text: no emphasis, link, HTML, entity
/// or bar, and no address or name that would become a link by itself.
fn is_plain(text: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || " -/.=,+:;()✘▼▲·~×".contains(c);
    text.trim() == text
        && text.chars().all(is_word)
        && !text.contains("//")
        && !text.contains("~~")
        && !text.to_ascii_lowercase().contains("www.")
}

/// A fence that nothing in the text can close.
fn fence(text: &str) -> String {
    "`".repeat(longest_ticks(text).max(2) + 1)
}

fn longest_ticks(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_means_nothing_to_markdown() {
        for (text, shown) in [
            ("tokio-postgres/rustls", "tokio-postgres/rustls"),
            ("certificate=expired,sslrootcert=right", "certificate=expired,sslrootcert=right"),
            ("ssl ▼", "ssl ▼"),
            ("hang ×6, crash ×2", "hang ×6, crash ×2"),
            ("", ""),
            ("a|b", r"`a\x7cb`"),
            ("<img src=x>", "`<img src=x>`"),
            ("a`b``c", "```a`b``c```"),
            ("`", "`` ` ``"),
            ("*a*", "`*a*`"),
            ("![a](b)", "`![a](b)`"),
            ("&lt;", "`&lt;`"),
            ("https://a.example", "`https://a.example`"),
            ("see WWW.a.example", "`see WWW.a.example`"),
            ("a@b.example", "`a@b.example`"),
        ] {
            assert_eq!(inline(text), shown);
        }
        assert_eq!(fence("a ```` b"), "`````");
        assert_eq!(fence("none"), "```");
    }
}
