//! What goes wrong on the command line, and its exit code.

use std::{error::Error, io};

use super::exit;

/// A command that did not come to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum CliError {
    /// The command was wrong.
    #[error("{0}")]
    Usage(String),
    /// The command named something that cannot be read or used.
    #[error("{what}")]
    Input {
        /// What.
        what: String,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The tool itself failed.
    #[error("{what}")]
    Tool {
        /// At what.
        what: String,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Not everything that was to be written could be; what and why was said already.
    #[error("not every output could be written")]
    Unwritten,
    /// stdout cannot be written.
    #[error("could not write to stdout")]
    Output(#[from] io::Error),
}

impl CliError {
    pub(super) fn input(
        what: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::Input { what: what.into(), source: source.into() }
    }

    pub(super) fn tool(
        what: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::Tool { what: what.into(), source: source.into() }
    }

    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Input { .. } => exit::USAGE,
            Self::Tool { .. } | Self::Unwritten | Self::Output(_) => exit::FAILED,
        }
    }

    /// The error with its causes, on one line but for what others wrote in it.
    pub(super) fn one_line(&self) -> String {
        let mut text = self.to_string();
        let mut source = self.source();
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            if !text.contains(&cause_text) {
                text = format!("{text}: {cause_text}");
            }
            source = cause.source();
        }
        text.replace('\n', " ")
    }
}

impl From<pgtls_conformance::runner::TestEnvironmentError> for CliError {
    fn from(error: pgtls_conformance::runner::TestEnvironmentError) -> Self {
        Self::tool("the run could not go on", error)
    }
}
