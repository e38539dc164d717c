//! `--script FILE`: what the server does, in place of its axes.

use std::{fs, path::PathBuf};

use clap::Args;
use pgtls_mock_server::script::Script;

use super::{axes::ServerAxesArgs, error::CliError};

#[derive(Debug, Args)]
pub(super) struct ScriptArgs {
    /// What the server does, as JSON, in place of its axes; see docs/scripts.md
    #[arg(long = "script", value_name = "FILE", help_heading = "Server axes")]
    file: Option<PathBuf>,
}

impl ScriptArgs {
    pub(super) const fn is_given(&self) -> bool {
        self.file.is_some()
    }

    /// The script, if one was named.
    pub(super) fn read(&self) -> Result<Option<Script>, CliError> {
        let Some(file) = &self.file else { return Ok(None) };
        let shown = file.display();
        let text = fs::read_to_string(file)
            .map_err(|error| CliError::input(format!("could not read {shown}"), error))?;
        let script = Script::from_json(&text)
            .map_err(|error| CliError::input(format!("{shown} holds no script"), error))?;
        Ok(Some(script))
    }

    /// Sees to it that nothing else says what the server does.
    pub(super) fn alone(&self, axes: &ServerAxesArgs, profile: bool) -> Result<(), CliError> {
        self.alone_where(axes.is_empty() && !profile)
    }

    pub(super) fn alone_where(&self, alone: bool) -> Result<(), CliError> {
        if self.is_given() && !alone {
            return Err(CliError::Usage(
                "--script stands in place of the server's axes and of --profile".to_owned(),
            ));
        }
        Ok(())
    }
}
