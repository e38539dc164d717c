//! `pgtls diff`: what changed between two results.

use std::{fs, path::PathBuf};

use clap::Args;
use pgtls_conformance::{
    diff::{Change, diff},
    results::{CellResult, Results},
};

use super::{error::CliError, exit, output};

#[derive(Debug, Args)]
pub(super) struct Diff {
    /// The earlier results, JSON
    #[arg(value_name = "A.json")]
    before: PathBuf,
    /// The later results, JSON
    #[arg(value_name = "B.json")]
    after: PathBuf,
}

impl Diff {
    pub(super) fn run(&self) -> Result<u8, CliError> {
        let (before, after) = (read(&self.before)?, read(&self.after)?);
        let changes = diff(&before, &after);
        let mut lines: Vec<String> = versions(&before, &after);
        lines.extend(changes.iter().map(tell));
        lines.push(match changes.len() {
            0 => "nothing changed".to_owned(),
            1 => "1 cell changed".to_owned(),
            count => format!("{count} cells changed"),
        });
        output::line(&lines.join("\n"))?;
        Ok(if changes.is_empty() { exit::CLEAN } else { exit::FINDINGS })
    }
}

fn read(path: &PathBuf) -> Result<Results, CliError> {
    let text = fs::read_to_string(path)
        .map_err(|error| CliError::input(format!("could not read {}", path.display()), error))?;
    Results::from_json(&text)
        .map_err(|error| CliError::input(format!("{} holds no results", path.display()), error))
}

/// A line for each stack whose version is not the same.
fn versions(before: &Results, after: &Results) -> Vec<String> {
    let base = |name: &str| name.split_once('@').map_or(name, |(base, _)| base).to_owned();
    before
        .stacks
        .iter()
        .filter_map(|old| {
            let new = after.stacks.iter().find(|new| base(&new.name) == base(&old.name))?;
            let version =
                |version: &Option<String>| version.clone().unwrap_or_else(|| "not run".to_owned());
            (old.version != new.version).then(|| {
                format!(
                    "{}: {} → {}",
                    base(&old.name),
                    version(&old.version),
                    version(&new.version)
                )
            })
        })
        .collect()
}

fn tell(change: &Change<'_>) -> String {
    match change {
        Change::Appeared(cell) => format!("+ {}\n    {}", cell.id, state(cell)),
        Change::Vanished(cell) => format!("- {}\n    {}", cell.id, state(cell)),
        Change::Changed(old, new) => {
            format!("~ {}\n    {}\n  → {}", new.id, state(old), state(new))
        }
    }
}

fn state(cell: &CellResult) -> String {
    let broken: Vec<&str> = cell.safety.iter().map(|invariant| invariant.id()).collect();
    let mut text = cell.conformance.to_string();
    if !broken.is_empty() {
        text = format!("{text}, breaks {}", broken.join(", "));
    }
    for warning in &cell.warnings {
        text = format!("{text}, warning {warning}");
    }
    match &cell.observed {
        Some(observed) => format!("{text}: {}", observed.trace),
        None => text,
    }
}
