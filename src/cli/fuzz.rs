//! `pgtls fuzz` and `pgtls replay`: hostile servers made up at random, and their
//! counterexamples again.

use std::{fs, path::PathBuf};

use clap::Args;
use pgtls_conformance::{
    axes::Axes,
    fuzz::{Counterexample, Scenario},
    judge::Invariant,
    runner::{CellRun, Laboratory, StackSpec, Subject},
};
use pgtls_mock_server::Seed;

use super::{
    error::CliError,
    exit, interrupt, output,
    stacks::{ShimsArgs, StacksArgs, spec_of_command},
};
use crate::report::transcript;

#[derive(Debug, Args)]
pub(super) struct Fuzz {
    #[command(flatten)]
    stacks: StacksArgs,
    /// How many scenarios are made up
    #[arg(long, value_name = "N", default_value_t = 200)]
    cases: u64,
    /// What all chance comes from [default: drawn]
    #[arg(long, value_name = "SEED")]
    seed: Option<Seed>,
    /// Where a counterexample is written
    #[arg(long, value_name = "F", default_value = "pgtls-counterexample.json")]
    out: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Replay {
    /// The counterexample, JSON
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    shims: ShimsArgs,
}

impl Fuzz {
    pub(super) async fn run(&self) -> Result<u8, CliError> {
        let spec = self.stacks.only()?;
        let seed = self.seed.unwrap_or_else(Seed::random);
        anstream::eprintln!("pgtls: seed {seed}");
        let laboratory = Laboratory::new(seed)?;
        let subject = probe(&spec, &laboratory).await?;
        let found = tokio::select! {
            found = self.search(&subject, seed) => found?,
            () = interrupt::interrupted() => return Ok(exit::INTERRUPTED),
        };
        let Some((scenario, broken, case)) = found else {
            output::line(&format!(
                "{}: {} scenarios, no invariant broken; seed {seed}",
                spec.name, self.cases
            ))?;
            return Ok(exit::CLEAN);
        };
        let command = self.stacks.command();
        let counterexample = Counterexample {
            schema: 1,
            stack: command.unwrap_or(&spec.name).to_owned(),
            is_command: command.is_some(),
            axes: scenario.axes.to_string(),
            rules: scenario.rules,
            broken,
            seed,
        };
        let json = serde_json::to_string_pretty(&counterexample)
            .map_err(|error| CliError::tool("the counterexample is no JSON", error))?;
        output::file(&self.out, &format!("{json}\n"))?;
        let ids: Vec<&str> = counterexample.broken.iter().map(|invariant| invariant.id()).collect();
        output::line(&format!(
            "{}: scenario {case} breaks {}\n  {}:{}\n  on the wire: {}\n  again: pgtls replay {}",
            spec.name,
            ids.join(", "),
            spec.name,
            counterexample.axes,
            serde_json::to_string(&counterexample.rules).unwrap_or_default(),
            self.out.display()
        ))?;
        Ok(exit::FINDINGS)
    }

    /// The first scenario that breaks an invariant, shrunk.
    async fn search(
        &self,
        subject: &Subject<'_>,
        seed: Seed,
    ) -> Result<Option<(Scenario, Vec<Invariant>, u64)>, CliError> {
        for case in 0..self.cases {
            let scenario = Scenario::made_up(seed.nth(case), |axes| subject.supports(axes));
            let broken = broken(subject, &scenario).await?;
            if let Some(first) = broken.first() {
                let (scenario, broken) = shrink(subject, scenario, *first, broken.clone()).await?;
                return Ok(Some((scenario, broken, case)));
            }
        }
        Ok(None)
    }
}

/// Takes away whatever can be, as long as the same invariant still breaks.
async fn shrink(
    subject: &Subject<'_>,
    mut scenario: Scenario,
    invariant: Invariant,
    mut broken_ones: Vec<Invariant>,
) -> Result<(Scenario, Vec<Invariant>), CliError> {
    'again: loop {
        for smaller in scenario.smaller() {
            if !subject.supports(&smaller.axes) {
                continue;
            }
            let broken = broken(subject, &smaller).await?;
            if broken.contains(&invariant) {
                (scenario, broken_ones) = (smaller, broken);
                continue 'again;
            }
        }
        return Ok((scenario, broken_ones));
    }
}

async fn broken(subject: &Subject<'_>, scenario: &Scenario) -> Result<Vec<Invariant>, CliError> {
    Ok(subject.try_scenario(&scenario.axes, &scenario.rules).await?.result.safety)
}

async fn probe<'a>(spec: &StackSpec, laboratory: &'a Laboratory) -> Result<Subject<'a>, CliError> {
    let subject = Subject::probe(spec, laboratory).await;
    match subject.could_not_run() {
        Some(reason) => Err(CliError::Usage(format!("{} cannot run: {reason}", spec.name))),
        None => Ok(subject),
    }
}

impl Replay {
    pub(super) async fn run(&self) -> Result<u8, CliError> {
        let wrong = |error: Box<dyn std::error::Error + Send + Sync>| {
            CliError::input(format!("{} holds no counterexample", self.file.display()), error)
        };
        let text = fs::read_to_string(&self.file).map_err(|error| {
            CliError::input(format!("could not read {}", self.file.display()), error)
        })?;
        let counterexample: Counterexample =
            serde_json::from_str(&text).map_err(|error| wrong(error.into()))?;
        let axes: Axes = counterexample.axes.parse().map_err(|error| wrong(Box::new(error)))?;
        let spec = if counterexample.is_command {
            spec_of_command(&counterexample.stack)?
        } else {
            self.shims.named(&counterexample.stack)?
        };
        let laboratory = Laboratory::new(counterexample.seed)?;
        let subject = probe(&spec, &laboratory).await?;
        let run = tokio::select! {
            run = subject.try_scenario(&axes, &counterexample.rules) => run?,
            () = interrupt::interrupted() => return Ok(exit::INTERRUPTED),
        };
        output::line(&told(&run))?;
        Ok(if run.result.safety.is_empty() { exit::CLEAN } else { exit::FINDINGS })
    }
}

fn told(run: &CellRun) -> String {
    let trace =
        run.result.observed.as_ref().map_or("no observation", |observed| observed.trace.as_str());
    let ids: Vec<&str> = run.result.safety.iter().map(|invariant| invariant.id()).collect();
    let safety = if ids.is_empty() {
        "no invariant broken".to_owned()
    } else {
        format!("breaks {}", ids.join(", "))
    };
    format!("{trace}\nsafety: {safety}\n\n{}", transcript::render(&run.observation))
        .trim_end()
        .to_owned()
}
