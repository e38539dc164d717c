//! `pgtls list`: what there is.

use clap::{Args, ValueEnum};
use pgtls_conformance::{
    Cell, Filter, Suite,
    axes::{AXES, Host},
    judge::Invariant,
};

use super::{error::CliError, exit, output, stacks::ShimsArgs};
use crate::stacks::Stack;

#[derive(Debug, Args)]
pub(super) struct List {
    /// What to list
    #[arg(value_enum)]
    what: What,
    /// The suite whose cells are listed: core, full, cancel, providers
    #[arg(long, default_value_t = Suite::Core)]
    suite: Suite,
    /// A stack by name; several add up [default: the built-in stacks]
    #[arg(long = "stack", value_name = "S")]
    stacks: Vec<String>,
    /// Cells that fit: axis=value,…; several add up
    #[arg(long = "filter", value_name = "E")]
    filters: Vec<Filter>,
    #[command(flatten)]
    shims: ShimsArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum What {
    /// The stacks, built in and by manifest
    Stacks,
    /// The axes and their values, the default first
    Axes,
    /// The ids of a suite's cells
    Cells,
    /// The safety invariants
    Invariants,
}

impl List {
    pub(super) fn run(&self) -> Result<u8, CliError> {
        let lines = match self.what {
            What::Stacks => self.stacks()?,
            What::Axes => axes(),
            What::Cells => self.cells()?,
            What::Invariants => {
                let line = |invariant: &Invariant| {
                    format!("{:20} {}", invariant.id(), invariant.broken_when())
                };
                Invariant::ALL.iter().map(line).collect()
            }
        };
        if !lines.is_empty() {
            output::line(&lines.join("\n"))?;
        }
        Ok(exit::CLEAN)
    }

    fn stacks(&self) -> Result<Vec<String>, CliError> {
        let mut lines: Vec<String> =
            Stack::ALL.iter().map(|stack| format!("{:28} built in", stack.name())).collect();
        for manifest in self.shims.manifests()? {
            let state = if manifest.is_installed() {
                format!("installed, {}", manifest.version)
            } else if manifest.missing_programs().is_empty() {
                format!("not installed (pgtls install {})", manifest.name)
            } else {
                format!("not installed, needs {}", manifest.missing_programs().join(", "))
            };
            lines.push(format!("{:28} {state}", manifest.name));
        }
        Ok(lines)
    }

    fn cells(&self) -> Result<Vec<String>, CliError> {
        let names = if self.stacks.is_empty() {
            Stack::ALL.map(|stack| stack.name().to_owned()).into()
        } else {
            for name in &self.stacks {
                if Stack::named(name).is_none() {
                    self.shims.manifest(name)?;
                }
            }
            self.stacks.clone()
        };
        let suite = self.suite.cells();
        let cells = names.iter().flat_map(|stack| {
            suite.iter().map(|axes| Cell { stack: stack.clone(), axes: axes.clone() })
        });
        let wanted = cells.filter(|cell| {
            self.filters.is_empty() || self.filters.iter().any(|filter| filter.matches(cell))
        });
        Ok(wanted.map(|cell| cell.to_string()).collect())
    }
}

fn axes() -> Vec<String> {
    let line = |axis: &pgtls_conformance::axes::Axis| {
        let more = if axis.name == Host::AXIS { ", any other host name" } else { "" };
        format!("--{:18} {}{more}", axis.name, (axis.values)().join(", "))
    };
    AXES.iter().map(line).collect()
}
