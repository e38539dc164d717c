//! `pgtls install`: shims of drivers in other languages, as their manifests say.

use std::{
    fs,
    process::{Command, Stdio},
    time::Instant,
};

use clap::Args;
use pgtls_conformance::shim::ManifestStack;

use super::{error::CliError, exit, output, stacks::ShimsArgs};

#[derive(Debug, Args)]
pub(super) struct Install {
    /// A stack, or NAME@VERSION for another release of it [default: every one]
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

impl Install {
    pub(super) fn run(&self) -> Result<u8, CliError> {
        let wanted = if self.stacks.is_empty() {
            self.shims.manifests()?
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
            let line = match self.install(stack)? {
                Ok(done) => format!("{:28} {done}", stack.id()),
                Err(reason) => {
                    left_out.push(stack.id());
                    format!("{:28} left out: {reason}", stack.id())
                }
            };
            output::line(&line)?;
        }
        // What was asked for by name has to be there afterwards.
        if !left_out.is_empty() && (self.strict || !self.stacks.is_empty()) {
            return Err(CliError::tool("not everything was installed", left_out.join(", ")));
        }
        Ok(exit::CLEAN)
    }

    fn install(&self, stack: &ManifestStack) -> Result<Result<String, String>, CliError> {
        if stack.is_installed() && !self.again {
            return Ok(Ok(format!("{} is installed", stack.version)));
        }
        let missing = stack.missing_programs();
        if !missing.is_empty() {
            return Ok(Err(format!("it needs {}", missing.join(", "))));
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
            .env("VERSION", &stack.version)
            .env_remove("PINNED")
            .stdin(Stdio::null());
        if stack.is_pinned() {
            command.env("PINNED", "1");
        }
        let log = command.output().map_err(|error| CliError::tool("could not start sh", error))?;
        if !log.status.success() {
            let text = [log.stdout, log.stderr].concat();
            tracing::error!(stack = stack.id(), "{}", String::from_utf8_lossy(&text));
            fs::remove_dir_all(&dest).map_err(failed)?;
            return Ok(Err(format!("its install line failed ({})", log.status)));
        }
        fs::write(stack.installed_mark(), b"").map_err(failed)?;
        Ok(Ok(format!("{} installed in {:.0} s", stack.version, started.elapsed().as_secs_f64())))
    }
}
