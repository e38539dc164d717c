//! `pgtls run`: one cell, with its transcript.

use clap::Args;
use pgtls_conformance::{
    Cell,
    axes::Axes,
    judge::Conformance,
    reference::Version,
    results::Evidence,
    runner::{CellRun, StackSpec, Subject},
};
use pgtls_mock_server::{Seed, script::Script};

use super::{
    axes::AxesArgs,
    bare::without_store,
    error::CliError,
    exit,
    guard::environment,
    interrupt, output,
    script::ScriptArgs,
    stacks::{StacksArgs, cannot_run, in_process},
};
use crate::{
    foreign::{self, Visible},
    report::transcript,
};

#[derive(Debug, Args)]
pub(super) struct Run {
    /// The cell, STACK:axis=value,…; or name a stack and the axes
    #[arg(value_name = "ID")]
    id: Option<Cell>,
    #[command(flatten)]
    stacks: StacksArgs,
    #[command(flatten)]
    axes: AxesArgs,
    #[command(flatten)]
    script: ScriptArgs,
    /// The libpq that the reference stands for: 15, 16, 17, 18
    #[arg(long, value_name = "N", default_value_t)]
    libpq: Version,
    /// What all chance comes from [default: drawn]
    #[arg(long, value_name = "SEED")]
    seed: Option<Seed>,
    /// Drives a built-in Rust stack in this process, over streams in memory: silence takes no time
    #[arg(long)]
    in_process: bool,
    /// The result as JSON, and no transcript
    #[arg(long)]
    json: bool,
}

impl Run {
    pub(super) async fn run(&self) -> Result<u8, CliError> {
        let (mut spec, axes) = self.cell()?;
        self.script.alone_where(self.id.is_none() && !self.axes.sets_server())?;
        let script = self.script.read()?;
        if self.in_process {
            without_store();
            spec = in_process(&spec)?;
        }
        if let Some(reason) = spec.missing_because() {
            return Err(CliError::Usage(format!("{} cannot run: {reason}", spec.name())));
        }
        let interrupted = interrupt::listen()?;
        let run = tokio::select! {
            run = self.one(&spec, &axes, script) => run?,
            () = interrupted => return Ok(exit::INTERRUPTED),
        };
        if self.json {
            let json = foreign::json(&run.result)
                .map_err(|error| CliError::tool("the result is no JSON", error))?;
            output::data(&json)?;
        } else {
            output::line(&text(&run))?;
        }
        Ok(match run.result.conformance {
            Conformance::Inconclusive => exit::FAILED,
            // The reference knows of a script what can be read off it; the invariants hold for each.
            _ if self.script.is_given() && run.result.safety.is_empty() => exit::CLEAN,
            _ if run.result.is_finding() => exit::FINDINGS,
            _ => exit::CLEAN,
        })
    }

    async fn one(
        &self,
        spec: &StackSpec,
        axes: &Axes,
        script: Option<Script>,
    ) -> Result<CellRun, CliError> {
        let environment = environment(self.seed.unwrap_or_else(Seed::random))?;
        let subject = Subject::probe(spec, &environment).await.against(self.libpq);
        if let Some(reason) = subject.could_not_run() {
            return Err(cannot_run(spec.name(), &reason));
        }
        Ok(match script {
            Some(script) => {
                let axes = Axes { server: script.tls_over(axes.server), ..axes.clone() };
                subject.try_script(&axes, script).await
            }
            None => subject.try_to_the_end(axes, &[]).await,
        })
    }

    fn cell(&self) -> Result<(StackSpec, Axes), CliError> {
        match &self.id {
            None => Ok((self.stacks.only()?, self.axes.axes())),
            Some(_) if !self.axes.is_empty() => Err(CliError::Usage(
                "a cell's id says every axis; give the id or the axes".to_owned(),
            )),
            // The stack of an id may be a command's, which only --shim can name.
            Some(cell) if self.stacks.is_given() => Ok((self.stacks.only()?, cell.axes.clone())),
            Some(cell) => Ok((self.stacks.folder.named(&cell.stack)?, cell.axes.clone())),
        }
    }
}

/// First line the observed trace, then the verdicts, then the transcript.
fn text(run: &CellRun) -> String {
    let result = Visible::of(&run.result);
    let observed = result.observed.as_ref();
    let mut lines = vec![match observed {
        Some(observed) => observed.trace().to_string(),
        None => result.conformance.to_string(),
    }];
    lines.push(format!("conformance: {}", result.conformance));
    lines.push(format!("expected:    {}", result.expected.trace));
    let broken: Vec<String> = result
        .safety
        .iter()
        .map(|invariant| format!("{invariant} ({})", invariant.why()))
        .collect();
    lines.push(format!(
        "safety:      {}",
        if broken.is_empty() { "no invariant broken".to_owned() } else { broken.join("; ") }
    ));
    for Evidence { invariant, lines: shown, .. } in &result.evidence {
        lines.extend(shown.iter().map(|line| format!("shown by:    {invariant}: {line}")));
    }
    if !result.warnings.is_empty() {
        let warnings: Vec<String> = result.warnings.iter().map(ToString::to_string).collect();
        lines.push(format!("warnings:    {}", warnings.join(", ")));
    }
    if let Some(reason) = &result.reason {
        lines.push(format!("reason:      {reason}"));
    }
    if let Some(error) = observed.and_then(|observed| observed.error.as_ref()) {
        lines.push(format!("client says: {}: {}", error.class, error.message));
    }
    lines.push(String::new());
    lines.push(transcript::render(&run.observation));
    lines.join("\n").trim_end().to_owned()
}
