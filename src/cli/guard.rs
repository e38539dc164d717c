//! The surroundings of a run, and the hidden command that clears up behind one that was killed.

use std::{path::PathBuf, process::Command};

use clap::Args;
use pgtls_conformance::{runner::TestEnvironment, shim::stand_guard};
use pgtls_mock_server::Seed;

use super::{error::CliError, exit};

/// The command's name; only this program gives it.
const NAME: &str = "guard";

#[derive(Debug, Args)]
pub(super) struct Guard {
    /// The run's folder
    folder: PathBuf,
}

impl Guard {
    #[expect(clippy::unnecessary_wraps, reason = "commands have one shape")]
    pub(super) fn run(&self) -> Result<u8, CliError> {
        stand_guard(&self.folder);
        Ok(exit::CLEAN)
    }
}

/// The surroundings of a run, looked after by a guardian.
pub(super) fn environment(seed: Seed) -> Result<TestEnvironment, CliError> {
    let environment = TestEnvironment::new(seed)?;
    let guardian = std::env::current_exe()
        .and_then(|program| environment.guard_by(Command::new(program).arg(NAME)));
    if let Err(error) = guardian {
        // The next run sweeps up; and a run that is not killed needs nobody.
        tracing::warn!(%error, "no guardian: if this run is killed, its processes may go on");
    }
    Ok(environment)
}
