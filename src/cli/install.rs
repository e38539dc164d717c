//! `pgtls install`: shims of drivers in other languages, as their manifests say.

use std::{
    fs, io,
    pin::Pin,
    process::{Output, Stdio},
    time::{Duration, Instant},
};

use clap::Args;
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use pgtls_conformance::shim::ManifestStack;
use tokio::process::Command;

use super::{error::CliError, exit, interrupt, output, stacks::ShimsArgs};
use crate::foreign::Foreign;

#[derive(Debug, Args)]
pub(super) struct Install {
    /// A stack, or NAME@VERSION for another release of it, and NAME@VERSION+CRATE@VERSION for one
    /// that is built from another release of a crate [default: every one]
    #[arg(value_name = "STACK")]
    stacks: Vec<String>,
    /// Installs again what is installed
    #[arg(long)]
    again: bool,
    /// A stack that is left out is an error: for CI
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    shims: ShimsArgs,
}

/// How an installation ended.
enum Done {
    /// It is there.
    Installed(String),
    /// It is not, and why.
    LeftOut(String),
    /// It was broken off, and nothing of it is there.
    Interrupted,
}

impl Install {
    pub(super) async fn run(&self) -> Result<u8, CliError> {
        let mut interrupted = Box::pin(interrupt::listen()?);
        let wanted: Vec<_> = if self.stacks.is_empty() {
            self.shims.manifests()?.into_iter().filter(|stack| !stack.built_in).collect()
        } else {
            self.stacks.iter().map(|name| self.shims.manifest(name)).collect::<Result<_, _>>()?
        };
        if wanted.is_empty() {
            return Err(CliError::Usage(
                "no shims here; run it in pgtls's own folder, or name one with --shims".to_owned(),
            ));
        }
        let mut left_out = Vec::new();
        for stack in &wanted {
            let told = match self.install(stack, interrupted.as_mut()).await? {
                Done::Installed(how) => how,
                Done::LeftOut(reason) => {
                    left_out.push(stack.id());
                    format!("left out: {reason}")
                }
                Done::Interrupted => return Ok(exit::INTERRUPTED),
            };
            output::line(&format!("{:28} {}", stack.id(), Foreign(&told)))?;
        }
        // What was asked for by name has to be there afterwards.
        if !left_out.is_empty() && (self.strict || !self.stacks.is_empty()) {
            return Err(CliError::tool("not everything was installed", left_out.join(", ")));
        }
        Ok(exit::CLEAN)
    }

    async fn install(
        &self,
        stack: &ManifestStack,
        interrupted: Pin<&mut (impl Future<Output = ()> + Send)>,
    ) -> Result<Done, CliError> {
        if stack.is_installed() && !self.again {
            return Ok(Done::Installed(format!("{} is installed", stack.version)));
        }
        let missing = stack.missing_programs();
        if !missing.is_empty() {
            return Ok(Done::LeftOut(format!("it needs {}", missing.join(", "))));
        }
        let dest = stack.dest();
        let failed = |error| CliError::tool(format!("could not make {}", dest.display()), error);
        if dest.exists() {
            fs::remove_dir_all(&dest).map_err(failed)?;
        }
        fs::create_dir_all(&dest).map_err(failed)?;
        let started = Instant::now();
        let mut command = Command::new("sh");
        command
            .args(["-c", &stack.install])
            .current_dir(&stack.here)
            .env("DEST", &dest)
            .env("VERSION", stack.release())
            .env("CRATES", stack.crates().collect::<Vec<_>>().join(" "))
            .env_remove("PINNED")
            .stdin(Stdio::null());
        if stack.is_pinned() {
            command.env("PINNED", "1");
        }
        let log = until(command, interrupted)
            .await
            .map_err(|error| CliError::tool("could not start sh", error))?;
        let Some(log) = log else {
            fs::remove_dir_all(&dest).map_err(failed)?;
            return Ok(Done::Interrupted);
        };
        if !log.status.success() {
            let text = [log.stdout, log.stderr].concat();
            let text = String::from_utf8_lossy(&text);
            for line in text.lines() {
                tracing::error!(stack = stack.id(), "{line}");
            }
            fs::remove_dir_all(&dest).map_err(failed)?;
            let reason = reason(&text).map_or_else(String::new, |reason| format!(": {reason}"));
            return Ok(Done::LeftOut(format!("its install line failed ({}){reason}", log.status)));
        }
        fs::write(stack.installed_mark(), b"").map_err(failed)?;
        let took = started.elapsed().as_secs_f64();
        Ok(Done::Installed(format!("{} installed in {took:.0} s", stack.version)))
    }
}

/// What an install line, or a tool that it calls, says last in the way that tools tell errors.
fn reason(log: &str) -> Option<&str> {
    let errors = log.lines().filter_map(|line| line.trim().split_once(": "));
    let errors = errors.filter(|(first, _)| first.eq_ignore_ascii_case("error"));
    errors.map(|(_, reason)| reason).next_back()
}

/// Between two looks whether everything that was killed is gone.
const LOOK: Duration = Duration::from_millis(20);
/// As long as that may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// A command's output; `None` if it was interrupted, and it and all that it started are gone.
async fn until(
    mut command: Command,
    interrupted: Pin<&mut (impl Future<Output = ()> + Send)>,
) -> io::Result<Option<Output>> {
    command.process_group(0).kill_on_drop(true).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn()?;
    let group = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
    tokio::select! {
        output = child.wait_with_output() => return output.map(Some),
        () = interrupted => {}
    }
    if let Some(group) = group {
        let deadline = Instant::now() + FAREWELL;
        while killpg(group, Signal::SIGKILL).is_ok() && Instant::now() < deadline {
            tokio::time::sleep(LOOK).await;
        }
    }
    Ok(None)
}
