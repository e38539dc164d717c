//! `pgtls matrix`: many cells over many stacks.

use std::{collections::BTreeSet, fs, path::PathBuf, thread};

use clap::Args;
use futures_util::StreamExt as _;
use pgtls_conformance::{
    Suite,
    baseline::{Baseline, Entry, Finding},
    judge::Conformance,
    reference::Version,
    results::{self, Results},
    runner::{self, Interrupt, PartialResults, Plan, StackSpec},
};
use pgtls_mock_server::Seed;

use super::{
    bare::without_store,
    error::CliError,
    exit,
    filters::FiltersArgs,
    guard::environment,
    interrupt, output,
    outputs::{Format, Outputs},
    places::Places,
    progress::Progress,
    stacks::{Candidate, Origin, StacksArgs, cannot_run},
};
use crate::{
    foreign,
    report::{Again, junit, markdown, table},
    stacks::BuiltIn,
};

#[derive(Debug, Args)]
pub(super) struct Matrix {
    #[command(flatten)]
    stacks: StacksArgs,
    /// Which cells: core, full, cancel, providers
    #[arg(long, default_value_t = Suite::Core)]
    suite: Suite,
    #[command(flatten)]
    filters: FiltersArgs,
    /// The libpq that the reference stands for: 15, 16, 17, 18
    #[arg(long, value_name = "N", default_value_t)]
    libpq: Version,
    #[command(flatten)]
    outputs: Outputs,
    /// Known findings: a JSON list of id, conformance, safety, reason
    #[arg(long, value_name = "F")]
    baseline: Option<PathBuf>,
    /// The K-th of N parts of the cells
    #[arg(long, value_name = "K/N", value_parser = shard)]
    shard: Option<(usize, usize)>,
    /// How many cells run side by side [default: three a processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// What all chance comes from [default: drawn]
    #[arg(long, value_name = "SEED")]
    seed: Option<Seed>,
    /// Drives the built-in Rust stacks in this process, over streams in memory: silence takes no time
    #[arg(long)]
    in_process: bool,
    /// A stack that cannot run is an error, not a line in the report: for CI
    #[arg(long)]
    strict: bool,
}

fn shard(text: &str) -> Result<(usize, usize), String> {
    let wrong = || format!("wanted K/N with 1 ≤ K ≤ N, got `{text}`");
    let (k, n) = text.split_once('/').ok_or_else(wrong)?;
    match (k.parse(), n.parse()) {
        (Ok(k), Ok(n)) if 1 <= k && k <= n => Ok((k, n)),
        _ => Err(wrong()),
    }
}

impl Matrix {
    pub(super) async fn run(&self) -> Result<u8, CliError> {
        let baseline = self.read_baseline()?;
        let stacks = if self.in_process {
            without_store();
            self.stacks.candidates_in_process()?
        } else {
            self.stacks.candidates()?
        };
        let again = self.again(&stacks);
        let stacks: Vec<_> = stacks.into_iter().map(|candidate| candidate.spec).collect();
        if self.is_named() {
            refuse_what_cannot_run(&stacks)?;
        }
        let fits = |spec: &StackSpec| self.filters.cells(spec.name(), self.suite).next().is_some();
        if !stacks.iter().any(fits) {
            return Err(CliError::Usage("no cell fits the filters".to_owned()));
        }
        self.tell_of_unknown_stacks(&baseline, &stacks);
        let places = Places::of(&self.outputs)?;
        let interrupt = interrupt::on_signal()?;
        let results = self.measure(stacks, &interrupt).await?;
        let findings = baseline.findings(&results);
        let written =
            places.write(|format, colour| rendered(format, &results, &findings, &again, colour));
        if interrupt.is_triggered() {
            output::notice(&format!("interrupted after {} cells", results.cells.len()));
            return written.map(|()| exit::INTERRUPTED);
        }
        written?;
        refuse_broken_stacks(&results)?;
        self.refuse_what_did_not_run(&results)?;
        refuse_what_was_not_measured(&results)?;
        Ok(if findings.is_empty() { exit::CLEAN } else { exit::FINDINGS })
    }

    async fn measure(
        &self,
        stacks: Vec<StackSpec>,
        interrupt: &Interrupt,
    ) -> Result<Results, CliError> {
        let plan = Plan {
            stacks,
            suite: self.suite,
            filters: self.filters.filters.clone(),
            shard: self.shard,
            version: self.libpq,
            jobs: self.jobs.map_or_else(|| default_jobs(self.in_process), usize::from),
        };
        let seed = self.seed.unwrap_or_else(Seed::random);
        tracing::info!(%seed, "the seed");
        let environment = environment(seed)?;
        let mut progress = Progress::new();
        let mut results = PartialResults::new(&plan, seed);
        let mut events = runner::events(&plan, &environment, interrupt);
        while let Some(event) = events.next().await {
            progress.apply(&event);
            results.apply(event);
        }
        Ok(results.into_results())
    }

    /// How a single cell of this run is shown again.
    fn again(&self, stacks: &[Candidate]) -> Again {
        let mut again = Again::default();
        for Candidate { spec, origin } in stacks {
            if let Origin::Command(command) = origin {
                again = again.with_shim(spec.name(), command);
            }
        }
        if let Some(folder) = self.stacks.folder.elsewhere() {
            again = again.with_flag("--shims", &folder.to_string_lossy());
        }
        if self.libpq != Version::default() {
            again = again.with_flag("--libpq", &self.libpq.to_string());
        }
        again
    }

    /// Whether stacks were asked for by name; `all` takes what there is.
    fn is_named(&self) -> bool {
        self.stacks.is_given() && !self.stacks.takes_all()
    }

    /// What was asked for by name has to run; of the rest the report says that it did not. Where
    /// nothing ran at all, nothing was found either way.
    fn refuse_what_did_not_run(&self, results: &Results) -> Result<(), CliError> {
        let reason = |stack: &results::Stack| {
            Some(format!("{}: {}", stack.name, stack.could_not_run.as_ref()?))
        };
        let idle: Vec<String> = results.stacks.iter().filter_map(reason).collect();
        let must_run = self.strict || self.is_named() || idle.len() == results.stacks.len();
        if must_run && !idle.is_empty() {
            return Err(CliError::Usage(format!("could not run {}", idle.join("; "))));
        }
        Ok(())
    }

    /// An entry of a stack that nobody knows may be a typing error, and would go unseen. It is no
    /// error: one baseline serves many runs, and a shim by its command is known in its own alone.
    fn tell_of_unknown_stacks(&self, baseline: &Baseline, stacks: &[StackSpec]) {
        let of = |entry: &Entry| entry.id.stack.clone();
        let named: BTreeSet<String> = baseline.0.iter().map(of).collect();
        let absent = named.iter().filter(|name| stacks.iter().all(|spec| spec.name() != *name));
        let unknown = self.stacks.folder.unknown(absent.map(String::as_str));
        if !unknown.is_empty() {
            output::notice(&format!(
                "the baseline names what is neither in this run nor a known stack: {}",
                unknown.join(", ")
            ));
        }
    }

    fn read_baseline(&self) -> Result<Baseline, CliError> {
        let Some(path) = &self.baseline else { return Ok(Baseline::default()) };
        let text = fs::read_to_string(path).map_err(|error| {
            CliError::input(format!("could not read the baseline {}", path.display()), error)
        })?;
        Baseline::from_json(&text)
            .map_err(|error| CliError::input(format!("{} is no baseline", path.display()), error))
    }
}

/// A stack that needs nothing but this program, and does not run, is the program's own failure.
fn refuse_broken_stacks(results: &Results) -> Result<(), CliError> {
    let broken = |stack: &results::Stack| {
        let reason = stack.could_not_run.as_ref()?;
        BuiltIn::named(&stack.name).filter(|stack| stack.is_whole())?;
        Some(cannot_run(&stack.name, reason))
    };
    results.stacks.iter().find_map(broken).map_or(Ok(()), Err)
}

/// What the tool could not measure says nothing of any client, and so neither does the exit code.
fn refuse_what_was_not_measured(results: &Results) -> Result<(), CliError> {
    let mut unmeasured =
        results.cells.iter().filter(|cell| cell.conformance == Conformance::Inconclusive);
    let Some(first) = unmeasured.next() else { return Ok(()) };
    let reason = first.reason.clone().unwrap_or_default();
    Err(CliError::tool(
        format!("could not measure {} of {} cells", unmeasured.count() + 1, results.cells.len()),
        reason,
    ))
}

/// What was asked for by name and is not there is a wrong command.
fn refuse_what_cannot_run(stacks: &[StackSpec]) -> Result<(), CliError> {
    match stacks.iter().find_map(|spec| Some((spec.name(), spec.missing_because()?))) {
        Some((name, reason)) => Err(CliError::Usage(format!("{name} cannot run: {reason}"))),
        None => Ok(()),
    }
}

fn rendered(
    format: Format,
    results: &Results,
    findings: &[Finding<'_>],
    again: &Again,
    colour: bool,
) -> Result<String, CliError> {
    match format {
        Format::Table => Ok(table::render(results, findings, again, colour)),
        Format::Markdown => Ok(markdown::render(results, findings, again)),
        Format::Json => {
            foreign::json(results).map_err(|error| CliError::tool("the results are no JSON", error))
        }
        Format::Junit => junit::render(results, findings, again)
            .map_err(|error| CliError::tool("the results are no XML", error)),
    }
}

/// Client and server take turns, and some clients wait for a timer in between, so that three cells
/// keep one processor busy. In this process nothing waits.
pub(super) fn default_jobs(in_process: bool) -> usize {
    let processors = thread::available_parallelism().map_or(2, usize::from);
    if in_process { processors } else { 3 * processors }
}
