//! `pgtls replay`: findings again.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use pgtls_conformance::{
    fuzz::Counterexample,
    runner::{CellRun, StackSpec, Subject},
};

use super::findings::json_files;
use crate::{
    cli::{
        bare::without_store,
        error::CliError,
        exit,
        guard::environment,
        interrupt, output,
        stacks::{ShimsArgs, in_process, spec_of_command},
    },
    foreign::{Foreign, Visible},
    report::transcript,
};

#[derive(Debug, Args)]
pub(in crate::cli) struct Replay {
    /// Findings, or folders of them
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Another stack in place of the file's
    #[arg(long, value_name = "OTHER", conflicts_with = "command")]
    stack: Option<String>,
    /// The client, by its command line; needed where the finding is of a command
    #[arg(long = "shim", value_name = "CMD")]
    command: Option<String>,
    #[command(flatten)]
    shims: ShimsArgs,
    /// Drives built-in stacks as processes too
    #[arg(long)]
    processes: bool,
}

impl Replay {
    pub(in crate::cli) async fn run(&self) -> Result<u8, CliError> {
        let files = self.files()?;
        let mut found = Vec::new();
        for file in files {
            let counterexample = read(&file)?;
            let spec = self.client(&file, &counterexample)?;
            found.push((file, counterexample, spec));
        }
        if found.iter().any(|(.., spec)| spec.is_in_process()) {
            without_store();
        }
        let interrupted = interrupt::listen()?;
        let replayed = async {
            let mut broke = false;
            for (file, counterexample, spec) in &found {
                let run = one(file, counterexample, spec).await?;
                broke |= !run.result.safety.is_empty();
                let heading = if found.len() > 1 {
                    format!("{}\n", Foreign(&file.to_string_lossy()))
                } else {
                    String::new()
                };
                output::line(&format!("{heading}{}", told(&run)))?;
            }
            Ok::<_, CliError>(broke)
        };
        tokio::select! {
            () = interrupted => Ok(exit::INTERRUPTED),
            broke = replayed => Ok(if broke? { exit::FINDINGS } else { exit::CLEAN }),
        }
    }

    /// The files that were named, and those in folders that were, by their names.
    fn files(&self) -> Result<Vec<PathBuf>, CliError> {
        let mut files = Vec::new();
        for named in &self.files {
            if !named.is_dir() {
                files.push(named.clone());
                continue;
            }
            files.extend(json_files(named)?);
        }
        if files.is_empty() {
            return Err(CliError::Usage("there is no finding in what was named".to_owned()));
        }
        Ok(files)
    }

    /// Who is asked. Findings are passed around, so a command in one is shown and not run.
    fn client(&self, file: &Path, counterexample: &Counterexample) -> Result<StackSpec, CliError> {
        let named = |name: &str| {
            let spec = self.shims.named(name)?;
            Ok(if self.processes { spec } else { in_process(&spec).unwrap_or(spec) })
        };
        let stack = &counterexample.stack;
        match (&self.command, &self.stack) {
            (Some(command), _) => spec_of_command(command),
            (None, Some(other)) => named(other),
            (None, None) if counterexample.is_command => Err(CliError::Usage(format!(
                "{} is of a shim that is started by a command, and nothing that a file names is \
                 run by itself: give the command with --shim. The file says: {stack}",
                file.display()
            ))),
            (None, None) => named(stack),
        }
    }
}

fn no_counterexample(
    file: &Path,
    error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> CliError {
    CliError::input(format!("{} holds no counterexample", file.display()), error)
}

fn read(file: &Path) -> Result<Counterexample, CliError> {
    let text = fs::read_to_string(file)
        .map_err(|error| CliError::input(format!("could not read {}", file.display()), error))?;
    Counterexample::from_json(&text).map_err(|error| no_counterexample(file, error))
}

async fn one(
    file: &Path,
    counterexample: &Counterexample,
    spec: &StackSpec,
) -> Result<CellRun, CliError> {
    let (axes, server) =
        counterexample.question().map_err(|error| no_counterexample(file, error))?;
    let environment = environment(counterexample.seed)?;
    let subject = Subject::probe(spec, &environment).await;
    if let Some(reason) = subject.could_not_run() {
        return Err(CliError::Usage(format!("{} cannot run: {reason}", spec.name())));
    }
    Ok(subject.try_server_to_the_end(&axes, &server, &counterexample.fetch).await)
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
    let how = result.reason.as_deref().map(|how| format!("\nhow: {how}")).unwrap_or_default();
    format!("{trace}\nsafety: {safety}{how}\n\n{}", transcript::render(&run.observation))
        .trim_end()
        .to_owned()
}
