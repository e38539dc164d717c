//! `pgtls diff`: what changed between two results.

use std::{fs, path::PathBuf};

use clap::Args;
use pgtls_conformance::{
    diff::{Change, base, diff, namesakes},
    results::{CellResult, Observed, Results, Tls},
};

use super::{error::CliError, exit, output};
use crate::foreign::{Foreign, Visible};

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
    let version = |results: &Results, name: &str| {
        let stack = results.stacks.iter().find(|stack| stack.name == name);
        stack.and_then(|stack| stack.version.clone()).unwrap_or_else(|| "not run".to_owned())
    };
    namesakes(before, after)
        .into_iter()
        .filter_map(|(old, new)| {
            let (was, is) = (version(before, old), version(after, new));
            (was != is).then(|| {
                let (name, was, is) = (Foreign(base(old)), Foreign(&was), Foreign(&is));
                format!("{name}: {was} → {is}")
            })
        })
        .collect()
}

fn tell(change: &Change<'_>) -> String {
    match change {
        Change::Appeared(cell) => one("+", &Visible::of(*cell)),
        Change::Vanished(cell) => one("-", &Visible::of(*cell)),
        Change::Changed(old, new) => {
            let (old, new) = (Visible::of(*old), Visible::of(*new));
            let (was, is) = (state(&old), state(&new));
            let mut text = format!("~ {}\n    {was}", new.id);
            if was != is {
                text += &format!("\n  → {is}");
            }
            let details = details(&old).into_iter().zip(details(&new));
            for ((what, was), (_, is)) in details.filter(|(was, is)| was != is) {
                text += &format!("\n    {what}: {was} → {is}");
            }
            text
        }
    }
}

fn one(sign: &str, cell: &Visible<CellResult>) -> String {
    format!("{sign} {}\n    {}", cell.id, state(cell))
}

fn state(cell: &Visible<CellResult>) -> String {
    let broken: Vec<&str> = cell.safety.iter().map(|invariant| invariant.id()).collect();
    let mut text = cell.conformance.to_string();
    if !broken.is_empty() {
        text = format!("{text}, breaks {}", broken.join(", "));
    }
    for warning in &cell.warnings {
        text = format!("{text}, warning {warning}");
    }
    match &cell.observed {
        Some(observed) => format!("{text}: {}", observed.trace()),
        None => text,
    }
}

/// What a release may change though verdict and trace are the same.
fn details(cell: &Visible<CellResult>) -> [(&'static str, String); 6] {
    let observed = cell.observed.as_ref();
    let none = || "none".to_owned();
    let error = observed.and_then(|observed| observed.error.as_ref());
    let tls = observed.and_then(|observed| observed.tls.as_ref());
    let axes: Vec<String> =
        cell.axes.iter().map(|(axis, value)| format!("{axis}={value}")).collect();
    [
        ("axes", axes.join(",")),
        ("expected", cell.expected.trace.to_string()),
        ("error", error.map_or_else(none, |error| format!("{}: {}", error.class, error.message))),
        ("tls", tls.map_or_else(none, session)),
        (
            "round trips",
            observed.map_or_else(none, |Observed { round_trips, .. }| round_trips.to_string()),
        ),
        ("reason", cell.reason.clone().unwrap_or_else(none)),
    ]
}

fn session(tls: &Tls) -> String {
    let known = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    let Tls { version, cipher, alpn, sni, .. } = tls;
    format!("{} {}, ALPN {}, SNI {}", known(version), known(cipher), known(alpn), known(sni))
}
