//! One stack, and what came of the hunt on it.

use std::{path::Path, sync::Arc};

use pgtls_conformance::{
    fuzz::{Counterexample, Finding, Hunt, Hunted, Limits, Progress, Scenario},
    judge::Invariant,
    runner::{StackSpec, Subject, TestEnvironment},
};
use pgtls_mock_server::Seed;

use super::{findings::Folder, progress::Meter};
use crate::{
    cli::{
        error::CliError,
        output,
        stacks::{Candidate, Origin},
    },
    foreign,
    report::Again,
};

/// A stack, and what came of the hunt on it.
#[derive(Debug)]
pub(super) struct HuntedStack {
    pub(super) spec: StackSpec,
    pub(super) version: Option<String>,
    pub(super) hunted: Hunted,
    /// The files of its findings, in the order of the findings.
    pub(super) files: Vec<String>,
    /// The first of them.
    first: Option<String>,
    /// Its command line, if it has one.
    command: Option<String>,
    /// How a finding is shown again.
    again: Again,
}

/// How a stack is hunted.
pub(super) struct Plan {
    pub(super) limits: Limits,
    pub(super) jobs: usize,
    /// What is tried first.
    pub(super) known: Vec<Arc<Scenario>>,
}

/// A finding's file.
struct Written {
    path: String,
    text: String,
    written: Result<(), CliError>,
}

/// The files of one stack's findings.
struct Files<'a> {
    stack: &'a str,
    command: Option<&'a str>,
    folder: &'a Folder,
}

impl Files<'_> {
    /// Writes what breaks the stack, and tells the file and its text.
    fn write(
        &self,
        scenario: &Scenario,
        broken: &[Invariant],
        seed: Seed,
    ) -> Result<Written, CliError> {
        let mut counterexample = Counterexample::new(self.stack, scenario, broken, seed);
        if let Some(command) = self.command {
            counterexample = counterexample.of_command(command);
        }
        let json = foreign::json(&counterexample)
            .map_err(|error| CliError::tool("the counterexample is no JSON", error))?;
        let text = format!("{json}\n");
        let (path, written) = self.folder.write(self.stack, broken, &text);
        Ok(Written { path, text, written })
    }
}

impl HuntedStack {
    /// A stack that was not hunted yet; its manifests are in `shims`, where that is not the usual place.
    pub(super) fn new(candidate: &Candidate, shims: Option<&Path>) -> Self {
        let spec = candidate.spec.clone();
        let command = match &candidate.origin {
            Origin::Command(command) => Some(command.clone()),
            _ => None,
        };
        let mut again = Again::default();
        if let Some(folder) = shims {
            again = again.with_flag("--shims", &folder.to_string_lossy());
        }
        if let Some(command) = &command {
            again = again.with_shim(spec.name(), command);
        }
        let (hunted, files) = (Hunted::default(), Vec::new());
        Self { spec, version: None, hunted, files, first: None, command, again }
    }

    /// Hunts it. What was found so far stays where this is dropped, and is written as it comes: a client
    /// in this process may take the process with it.
    pub(super) async fn hunt(
        &mut self,
        environment: &TestEnvironment,
        folder: &Folder,
        Plan { limits, jobs, known }: Plan,
    ) -> Result<(), CliError> {
        let name = self.spec.name();
        let subject = Subject::probe(&self.spec, environment).await.with_jobs(jobs);
        // What never connects breaks nothing, and nothing is known of it.
        let reason = match subject.could_not_run() {
            Some(reason) => Some(reason),
            None => subject.could_not_connect().await,
        };
        if let Some(reason) = reason {
            return Err(CliError::Usage(format!("{name} cannot run: {reason}")));
        }
        self.version = subject.version().map(str::to_owned);
        let mut meter = Meter::new(name, limits);
        let files = Files { stack: name, command: self.command.as_deref(), folder };
        let seed = environment.seed();
        Hunt::new(&subject, seed, limits)
            .with_corpus(known)
            .run(&mut self.hunted, &mut |hunted, progress| {
                if let Progress::Found(finding) = &progress
                    && let Err(error) = files.write(&finding.scenario, &finding.broken, seed)
                {
                    output::notice(&error.one_line());
                }
                meter.tell(hunted, &progress);
            })
            .await;
        Ok(())
    }

    /// Writes a file for each finding, and for what could not be made small any more.
    pub(super) fn write(&mut self, folder: &Folder, seed: Seed) -> Result<(), CliError> {
        let files = Files { stack: self.spec.name(), command: self.command.as_deref(), folder };
        let mut all_written = Ok(());
        let found = self.hunted.findings.iter().map(|it| (&it.scenario, &it.broken));
        let suspected = self.hunted.suspected.values().map(|(scenario, broken)| (scenario, broken));
        for (scenario, broken) in found.chain(suspected) {
            let Written { path, text, written } = files.write(scenario, broken, seed)?;
            self.files.push(path);
            self.first.get_or_insert(text);
            all_written = all_written.and(written);
        }
        all_written
    }

    /// Whether anything broke.
    pub(super) fn has_findings(&self) -> bool {
        !self.files.is_empty()
    }

    /// The first counterexample, as it was written.
    pub(super) fn first_counterexample(&self) -> Option<&str> {
        self.first.as_deref()
    }

    /// The findings with their files.
    pub(super) fn findings(&self) -> impl Iterator<Item = (&Finding, &str)> {
        self.hunted.findings.iter().zip(self.files.iter().map(String::as_str))
    }

    /// The command that shows a file's finding again.
    pub(super) fn again(&self, file: &str) -> String {
        self.again.replay(self.spec.name(), file)
    }
}
