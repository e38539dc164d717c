//! `pgtls fuzz`: the hunt on each stack.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use pgtls_conformance::{fuzz::Limits, runner::StackSpec};
use pgtls_mock_server::Seed;

use super::{
    corpus::{Corpora, Corpus},
    elsewhere::Elsewhere,
    findings::{Folder, or_kept},
    hunted::{HuntedStack, Plan},
    told,
};
use crate::cli::{
    bare::without_store,
    error::CliError,
    exit,
    file::Pending,
    guard::environment,
    interrupt,
    matrix::default_jobs,
    output,
    stacks::{Candidate, StacksArgs, in_process},
    sweep::Sweeps,
};

/// How long a hunt takes where nobody says how far it goes.
const DEFAULT_SECONDS: u64 = 60;

#[derive(Debug, Args)]
pub(in crate::cli) struct Fuzz {
    #[command(flatten)]
    stacks: StacksArgs,
    /// How many scenarios are made up for each stack
    #[arg(long, value_name = "N")]
    cases: Option<u64>,
    /// How long each stack is hunted; what is found is made small afterwards [default: 60, without
    /// --cases]
    #[arg(long, value_name = "T")]
    seconds: Option<u64>,
    /// What all chance comes from [default: drawn]
    #[arg(long, value_name = "SEED")]
    seed: Option<Seed>,
    /// How many scenarios run side by side [default: one a processor in this process, else three]
    #[arg(long, value_name = "J", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Where findings are written, a file each
    #[arg(long, value_name = "DIR", default_value = "pgtls-findings")]
    findings: PathBuf,
    /// The scenarios that showed something new, a file each: tried first, and added to
    #[arg(long, value_name = "DIR")]
    corpus: Option<PathBuf>,
    /// Stops at the first finding
    #[arg(long)]
    first: bool,
    /// The file of the first finding besides
    #[arg(long, value_name = "F")]
    out: Option<PathBuf>,
    /// In place of servers made up: honest logins, disturbed at every byte of the server's stream
    #[arg(long, conflicts_with_all = ["cases", "seconds", "first", "out", "corpus"])]
    sweep: bool,
    /// What is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Wants every stack in this process
    #[arg(long, conflicts_with = "processes")]
    in_process: bool,
    /// Drives built-in stacks as processes too
    #[arg(long)]
    processes: bool,
}

/// What is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Table,
    /// For programs
    Json,
}

impl Fuzz {
    pub(in crate::cli) async fn run(&self) -> Result<u8, CliError> {
        let candidates = self.candidates()?;
        if self.sweep {
            return self.sweep(&candidates).await;
        }
        let folder = Folder::at(&self.findings)?;
        let corpora = self.corpus.as_deref().map(Corpora::at).transpose()?;
        let out = self.out.as_deref().map(Pending::new).transpose()?;
        let seed = self.seed.unwrap_or_else(Seed::random);
        output::notice(&format!("seed {seed}"));
        let mut interrupted = Box::pin(interrupt::listen()?);
        let environment = environment(seed)?;
        let mut stacks = Vec::new();
        let mut written = Ok(());
        let mut was_interrupted = false;
        for candidate in &candidates {
            let mut stack = HuntedStack::new(candidate, self.stacks.folder.elsewhere());
            let corpus = corpora.as_ref().map(|it| it.of(candidate.spec.name())).transpose()?;
            let known = corpus.as_ref().map(Corpus::scenarios).unwrap_or_default();
            let plan = Plan { limits: self.limits(), jobs: self.jobs(candidate), known };
            let hunt = stack.hunt(&environment, &folder, plan);
            was_interrupted = tokio::select! {
                ended = hunt => {
                    ended?;
                    false
                }
                () = &mut interrupted => true,
            };
            written = written.and(stack.write(&folder, seed));
            if let Some(corpus) = corpus {
                written = written.and(corpus.add(&stack.hunted.corpus));
            }
            stacks.push(stack);
            if was_interrupted || (self.first && stacks.iter().any(HuntedStack::has_findings)) {
                break;
            }
        }
        if let (Some(out), Some(first)) =
            (&out, stacks.iter().find_map(HuntedStack::first_counterexample))
        {
            written = written.and(or_kept(out.finish(first), first));
        }
        let mut others = Elsewhere::default();
        if !was_interrupted {
            let all = self.stacks.folder.everything()?;
            let look = async {
                others.look(&stacks, &all, &environment).await;
                others.compare(&stacks, &environment).await;
            };
            tokio::select! {
                () = look => {}
                () = &mut interrupted => was_interrupted = true,
            }
        }
        match self.format {
            Format::Table => output::line(&told::table(&stacks, &others, seed))?,
            Format::Json => output::data(&told::json(&stacks, &others, seed)?)?,
        }
        written?;
        Ok(match (was_interrupted, stacks.iter().any(HuntedStack::has_findings)) {
            (true, _) => exit::INTERRUPTED,
            (false, true) => exit::FINDINGS,
            (false, false) => exit::CLEAN,
        })
    }

    async fn sweep(&self, candidates: &[Candidate]) -> Result<u8, CliError> {
        let stacks: Vec<StackSpec> = candidates.iter().map(|it| it.spec.clone()).collect();
        let seed = self.seed.unwrap_or_else(Seed::random);
        let (jobs, json) = (self.jobs.map(usize::from), self.format == Format::Json);
        Sweeps { stacks: &stacks, jobs, seed, json, findings: &self.findings }.run().await
    }

    /// The stacks, built-in ones as drivers in this process unless told otherwise.
    fn candidates(&self) -> Result<Vec<Candidate>, CliError> {
        if !self.stacks.is_given() {
            return Err(CliError::Usage(
                "which stack? name one or more with --stack or --shim".to_owned(),
            ));
        }
        let candidates = self.stacks.candidates()?;
        let candidates = candidates.into_iter().map(|candidate| {
            if self.processes {
                return Ok(candidate);
            }
            match in_process(&candidate.spec) {
                Ok(spec) => Ok(Candidate { spec, ..candidate }),
                Err(error) if self.in_process => Err(error),
                Err(_) => Ok(candidate),
            }
        });
        let candidates = candidates.collect::<Result<Vec<_>, CliError>>()?;
        if candidates.iter().any(|candidate| candidate.spec.is_in_process()) {
            without_store();
        }
        Ok(candidates)
    }

    fn limits(&self) -> Limits {
        let seconds = match (self.seconds, self.cases) {
            (None, None) => Some(DEFAULT_SECONDS),
            (seconds, _) => seconds,
        };
        Limits { cases: self.cases, time: seconds.map(Duration::from_secs), first: self.first }
    }

    fn jobs(&self, candidate: &Candidate) -> usize {
        self.jobs.map_or_else(|| default_jobs(candidate.spec.is_in_process()), usize::from)
    }
}
