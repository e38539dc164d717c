//! `pgtls list`: what there is.

use clap::{Args, ValueEnum};
use pgtls_conformance::{
    Suite,
    axes::{AXES, Host},
    judge::Invariant,
};

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
    what: Subject,
    /// For `cells`, the suite: core, full, cancel, providers
    #[arg(long, default_value_t = Suite::Core)]
    suite: Suite,
    #[command(flatten)]
    filters: FiltersArgs,
    #[command(flatten)]
    stacks: StacksArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Subject {
    /// The stacks: those that were named, or all, built in and by manifest
    Stacks,
    /// The axes and their values, the default first
    Axes,
    /// The ids of a suite's cells that the filters take
    Cells,
    /// The safety invariants
    Invariants,
}

impl List {
    pub(super) fn run(&self) -> Result<u8, CliError> {
        let lines = match self.what {
            Subject::Stacks => self.stacks()?,
            Subject::Axes => axes(),
            Subject::Cells => self.cells()?,
            Subject::Invariants => {
                let line = |invariant: &Invariant| {
                    let (when, why) = (invariant.broken_when(), invariant.why());
                    format!("{:20} {when}; {why} [{}]", invariant.id(), invariant.source())
                };
                Invariant::ALL.iter().map(line).collect()
            }
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

fn axes() -> Vec<String> {
    let line = |axis: &pgtls_conformance::axes::Axis| {
        let more = if axis.name == Host::AXIS { ", any other host name" } else { "" };
        format!("--{:18} {}{more}", axis.name, (axis.values)().join(", "))
    };
    AXES.iter().map(line).collect()
}
