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
    exit,
    guard::laboratory,
    interrupt, output,
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

/// A scenario that breaks invariants.
#[derive(Debug, Clone)]
struct Found {
    scenario: Scenario,
    broken: Vec<Invariant>,
    /// The number of the scenario that it was shrunk from.
    case: u64,
}

impl Fuzz {
    pub(super) async fn run(&self) -> Result<u8, CliError> {
        let spec = self.stacks.only()?;
        let seed = self.seed.unwrap_or_else(Seed::random);
        anstream::eprintln!("pgtls: seed {seed}");
        let interrupted = interrupt::listen()?;
        let laboratory = laboratory(seed)?;
        // The best so far outlives a search that is interrupted.
        let mut found = None;
        let interrupted = tokio::select! {
            () = interrupted => true,
            searched = self.search(&spec, &laboratory, &mut found) => {
                searched?;
                false
            }
        };
        let found_one = found.is_some();
        match found {
            Some(found) => self.tell(&spec, seed, found)?,
            None if interrupted => {}
            None => output::line(&format!(
                "{}: {} scenarios, no invariant broken; seed {seed}",
                spec.name, self.cases
            ))?,
        }
        Ok(match (interrupted, found_one) {
            (true, _) => exit::INTERRUPTED,
            (false, true) => exit::FINDINGS,
            (false, false) => exit::CLEAN,
        })
    }

    /// Writes the counterexample, and says what it is.
    fn tell(&self, spec: &StackSpec, seed: Seed, found: Found) -> Result<(), CliError> {
        let Found { scenario, broken, case } = found;
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
        ))
    }

    /// Looks for the first scenario that breaks an invariant, and makes it as small as can be.
    async fn search(
        &self,
        spec: &StackSpec,
        laboratory: &Laboratory,
        best: &mut Option<Found>,
    ) -> Result<(), CliError> {
        let subject = probe(spec, laboratory).await?;
        let seed = laboratory.seed();
        for case in 0..self.cases {
            let scenario = made_up(&subject, seed, case);
            let run = subject.try_scenario(&scenario.axes, &scenario.rules).await;
            if !run.result.safety.is_empty() {
                *best = Some(Found { scenario, broken: run.result.safety, case });
                return shrink(&subject, best).await;
            }
            *best = misbehaved(&subject, seed, subject.suspicions());
            if best.is_some() {
                return shrink(&subject, best).await;
            }
        }
        // The last process of all may have misbehaved behind its last answer.
        let amendments = subject.settle().await;
        *best = misbehaved(&subject, seed, amendments);
        shrink(&subject, best).await
    }
}

fn made_up(subject: &Subject<'_>, seed: Seed, case: u64) -> Scenario {
    Scenario::made_up(seed.nth(case), |axes| subject.supports(axes))
}

/// The first scenario behind whose answer a process misbehaved; scenarios are tried in their order.
fn misbehaved(
    subject: &Subject<'_>,
    seed: Seed,
    amendments: Vec<(usize, String)>,
) -> Option<Found> {
    let case = amendments.into_iter().map(|(number, _)| number).min()? as u64;
    let scenario = made_up(subject, seed, case);
    Some(Found { scenario, broken: vec![Invariant::Crash], case })
}

/// Takes away whatever can be, as long as the same invariant still breaks.
async fn shrink(subject: &Subject<'_>, best: &mut Option<Found>) -> Result<(), CliError> {
    let Some(found) = best else { return Ok(()) };
    let Some(invariant) = found.broken.first().copied() else { return Ok(()) };
    anstream::eprintln!("pgtls: scenario {} breaks {invariant}; making it small", found.case);
    'again: loop {
        for smaller in found.scenario.smaller() {
            if !subject.supports(&smaller.axes) {
                continue;
            }
            let run = subject.try_to_the_end(&smaller.axes, &smaller.rules).await;
            if run.result.safety.contains(&invariant) {
                (found.scenario, found.broken) = (smaller, run.result.safety);
                continue 'again;
            }
        }
        return Ok(());
    }
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
        let interrupted = interrupt::listen()?;
        let laboratory = laboratory(counterexample.seed)?;
        let run = async {
            let subject = probe(&spec, &laboratory).await?;
            Ok::<_, CliError>(subject.try_to_the_end(&axes, &counterexample.rules).await)
        };
        let run = tokio::select! {
            () = interrupted => return Ok(exit::INTERRUPTED),
            run = run => run?,
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
