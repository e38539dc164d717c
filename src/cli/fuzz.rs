//! `pgtls fuzz` and `pgtls replay`: hostile servers made up at random, and their
//! counterexamples again.

use std::{fs, path::PathBuf};

use clap::Args;
use pgtls_conformance::{
    axes::Axes,
    fuzz::{self, Counterexample, Scenario},
    judge::Invariant,
    runner::{CellRun, StackSpec, Subject, TestEnvironment},
};
use pgtls_mock_server::Seed;

use super::{
    error::CliError,
    exit,
    file::{self, Pending},
    guard::environment,
    interrupt, output,
    stacks::{ShimsArgs, StacksArgs, in_process, spec_of_command},
    sweep::Sweeps,
};
use crate::{
    foreign::{self, Foreign, Visible},
    report::{Again, transcript},
};

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
    /// In place of servers made up: honest logins, disturbed at every byte of the server's stream
    #[arg(long)]
    sweep: bool,
    /// With --sweep: how many cases run side by side [default: one a processor]
    #[arg(long, value_name = "N")]
    jobs: Option<std::num::NonZeroUsize>,
    /// With --sweep: the folder for what is found
    #[arg(long, value_name = "DIR", default_value = "pgtls-findings")]
    findings: PathBuf,
    /// With --sweep: on stdout as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Replay {
    /// The counterexample, JSON
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The client, by its command line; needed where the counterexample is of a command
    #[arg(long = "shim", value_name = "CMD")]
    command: Option<String>,
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
        if self.sweep {
            return self.sweeps().await;
        }
        let spec = self.stacks.only()?;
        let out = Pending::new(&self.out)?;
        let seed = self.seed.unwrap_or_else(Seed::random);
        output::notice(&format!("seed {seed}"));
        let interrupted = interrupt::listen()?;
        let environment = environment(seed)?;
        // The best so far outlives a search that is interrupted.
        let mut found = None;
        let mut ended = Ok(());
        let interrupted = tokio::select! {
            () = interrupted => true,
            searched = self.search(&spec, &environment, &mut found) => {
                ended = searched;
                false
            }
        };
        let found_one = found.is_some();
        match found {
            Some(found) => self.tell(&spec, seed, found, &out)?,
            None if interrupted || ended.is_err() => {}
            None => output::line(&format!(
                "{}: {} scenarios, no invariant broken; seed {seed}",
                spec.name(),
                self.cases
            ))?,
        }
        ended?;
        Ok(match (interrupted, found_one) {
            (true, _) => exit::INTERRUPTED,
            (false, true) => exit::FINDINGS,
            (false, false) => exit::CLEAN,
        })
    }

    async fn sweeps(&self) -> Result<u8, CliError> {
        let stacks = self.stacks.specs()?;
        let stacks: Vec<_> =
            stacks.into_iter().map(|spec| in_process(&spec).unwrap_or(spec)).collect();
        let (jobs, findings) = (self.jobs.map(usize::from), &*self.findings);
        let seed = self.seed.unwrap_or_else(Seed::random);
        Sweeps { stacks: &stacks, jobs, seed, json: self.json, findings }.run().await
    }

    /// Writes the counterexample, and says what it is.
    fn tell(
        &self,
        spec: &StackSpec,
        seed: Seed,
        found: Found,
        out: &Pending,
    ) -> Result<(), CliError> {
        let Found { scenario, broken, case } = found;
        let command = self.stacks.command();
        let counterexample = Counterexample {
            schema: fuzz::SCHEMA,
            stack: command.unwrap_or(spec.name()).to_owned(),
            is_command: command.is_some(),
            axes: scenario.axes.to_string(),
            rules: scenario.rules,
            broken,
            seed,
        };
        let json = foreign::json(&counterexample)
            .map_err(|error| CliError::tool("the counterexample is no JSON", error))?;
        let text = format!("{json}\n");
        let written = out.finish(&text);
        let mut again = Again::default();
        if let Some(folder) = self.stacks.folder.elsewhere() {
            again = again.with_flag("--shims", &folder.to_string_lossy());
        }
        if let Some(command) = command {
            again = again.with_shim(spec.name(), command);
        }
        let ids: Vec<&str> = counterexample.broken.iter().map(|invariant| invariant.id()).collect();
        let place = self.out.to_string_lossy();
        output::line(&format!(
            "{}: scenario {case} breaks {}\n  {}:{}\n  on the wire: {}\n  again: {}",
            Foreign(spec.name()),
            ids.join(", "),
            Foreign(spec.name()),
            counterexample.axes,
            serde_json::to_string(&counterexample.rules).unwrap_or_default(),
            again.replay(spec.name(), &place)
        ))?;
        written.or_else(|error| {
            // What took minutes to find is not lost for a disk that is full.
            output::notice(&error.one_line());
            if !file::keep(&[("counterexample.json", &text)]) {
                output::data(&json)?;
            }
            Err(CliError::Unwritten)
        })
    }

    /// Looks for the first scenario that breaks an invariant, and makes it as small as can be.
    async fn search(
        &self,
        spec: &StackSpec,
        environment: &TestEnvironment,
        best: &mut Option<Found>,
    ) -> Result<(), CliError> {
        let subject = probe(spec, environment).await?;
        // What never connects breaks nothing, and nothing is known of it.
        if let Some(reason) = subject.could_not_connect().await {
            return Err(CliError::Usage(format!("{} cannot run: {reason}", spec.name())));
        }
        let seed = environment.seed();
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
    output::notice(&format!("scenario {} breaks {invariant}; making it small", found.case));
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

async fn probe<'a>(
    spec: &StackSpec,
    environment: &'a TestEnvironment,
) -> Result<Subject<'a>, CliError> {
    let subject = Subject::probe(spec, environment).await;
    match subject.could_not_run() {
        Some(reason) => Err(CliError::Usage(format!("{} cannot run: {reason}", spec.name()))),
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
        let counterexample =
            Counterexample::from_json(&text).map_err(|error| wrong(error.into()))?;
        let axes: Axes = counterexample.axes.parse().map_err(|error| wrong(Box::new(error)))?;
        let spec = self.client(&counterexample)?;
        let interrupted = interrupt::listen()?;
        let environment = environment(counterexample.seed)?;
        let run = async {
            let subject = probe(&spec, &environment).await?;
            Ok::<_, CliError>(subject.try_to_the_end(&axes, &counterexample.rules).await)
        };
        let run = tokio::select! {
            () = interrupted => return Ok(exit::INTERRUPTED),
            run = run => run?,
        };
        output::line(&told(&run))?;
        Ok(if run.result.safety.is_empty() { exit::CLEAN } else { exit::FINDINGS })
    }

    /// Who is asked. Counterexamples are passed around, so a command in one is shown and not run.
    fn client(&self, counterexample: &Counterexample) -> Result<StackSpec, CliError> {
        let stack = &counterexample.stack;
        match &self.command {
            Some(command) => spec_of_command(command),
            None if counterexample.is_command => Err(CliError::Usage(format!(
                "{} is of a shim that is started by a command, and nothing that a file names is \
                 run by itself: give the command with --shim. The file says: {stack}",
                self.file.display()
            ))),
            None => self.shims.named(stack),
        }
    }
}

fn told(run: &CellRun) -> String {
    let result = Visible::of(&run.result);
    let trace = result
        .observed
        .as_ref()
        .map_or_else(|| "no observation".to_owned(), |observed| observed.trace().to_string());
    let ids: Vec<&str> = result.safety.iter().map(|invariant| invariant.id()).collect();
    let safety = if ids.is_empty() {
        "no invariant broken".to_owned()
    } else {
        format!("breaks {}", ids.join(", "))
    };
    format!("{trace}\nsafety: {safety}\n\n{}", transcript::render(&run.observation))
        .trim_end()
        .to_owned()
}
