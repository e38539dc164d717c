//! `pgtls list`: what there is.

use clap::{Args, ValueEnum};
use pgtls_conformance::{
    Suite,
    axes::{AXES, Host},
    judge::Invariant,
};
use pgtls_mock_server::script;

use super::{
    error::CliError,
    exit,
    filters::FiltersArgs,
    output,
    stacks::{Candidate, Origin, StacksArgs},
};
use crate::foreign::Foreign;

#[derive(Debug, Args)]
pub(super) struct List {
    /// What to list
    #[arg(value_enum)]
    what: Listed,
    /// For `scripts`, the one to print as JSON
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// For `cells`, the suite: core, full, cancel, providers
    #[arg(long, default_value_t = Suite::Core)]
    suite: Suite,
    #[command(flatten)]
    filters: FiltersArgs,
    #[command(flatten)]
    stacks: StacksArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Listed {
    /// The stacks: those that were named, or all, built in and by manifest
    Stacks,
    /// The axes and their values, the default first
    Axes,
    /// The ids of a suite's cells that the filters take
    Cells,
    /// The safety invariants
    Invariants,
    /// What the server does for each value of its axes; with a NAME, that script as JSON
    Scripts,
}

impl List {
    pub(super) fn run(&self) -> Result<u8, CliError> {
        if self.name.is_some() && !matches!(self.what, Listed::Scripts) {
            return Err(CliError::Usage("a NAME goes with `scripts` alone".to_owned()));
        }
        let lines = match self.what {
            Listed::Stacks => self.stacks()?,
            Listed::Axes => axes(),
            Listed::Cells => self.cells()?,
            Listed::Invariants => {
                let line = |invariant: &Invariant| {
                    let (when, why) = (invariant.broken_when(), invariant.why());
                    format!("{:20} {when}; {why} [{}]", invariant.id(), invariant.source())
                };
                Invariant::ALL.iter().map(line).collect()
            }
            Listed::Scripts => scripts(self.name.as_deref())?,
        };
        if !lines.is_empty() {
            output::line(&lines.join("\n"))?;
        }
        Ok(exit::CLEAN)
    }

    /// Every stack there is, or those that were named.
    fn stacks(&self) -> Result<Vec<String>, CliError> {
        let stacks = if self.stacks.is_given() {
            self.stacks.candidates()?
        } else {
            self.stacks.folder.everything()?
        };
        let line = |Candidate { spec, origin }: &Candidate| {
            let state = match (spec.missing_because(), origin) {
                (Some(reason), _) => reason.to_owned(),
                (None, Origin::BuiltIn) => "built in".to_owned(),
                (None, Origin::Manifest(version)) => format!("installed, {version}"),
                (None, Origin::Command(command)) => command.clone(),
            };
            format!("{:28} {}", Foreign(spec.name()).to_string(), Foreign(&state))
        };
        Ok(stacks.iter().map(line).collect())
    }

    fn cells(&self) -> Result<Vec<String>, CliError> {
        let specs = self.stacks.specs()?;
        let cells = specs.iter().flat_map(|spec| self.filters.cells(spec.name(), self.suite));
        Ok(cells.map(|cell| cell.to_string()).collect())
    }
}

/// The names of all scripts, or the one of that name as JSON.
fn scripts(name: Option<&str>) -> Result<Vec<String>, CliError> {
    let Some(name) = name else {
        return Ok(script::all().into_iter().map(|named| named.name).collect());
    };
    match script::find(name) {
        Some(script) => Ok(vec![script.to_json()]),
        None => Err(CliError::Usage(format!(
            "no script, or more than one, is called {name}; `pgtls list scripts` lists them"
        ))),
    }
}

fn axes() -> Vec<String> {
    let line = |axis: &pgtls_conformance::axes::Axis| {
        let more = if axis.name == Host::AXIS { ", any other host name" } else { "" };
        format!("--{:18} {}{more}", axis.name, (axis.values)().join(", "))
    };
    AXES.iter().map(line).collect()
}
