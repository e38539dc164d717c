//! What goes wrong with a shim.

use std::{io, path::PathBuf, time::Duration};

/// What goes wrong with a shim.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShimError {
    /// A command line that cannot be split.
    #[error("wanted a command line, got `{0}`")]
    CommandLine(String),
    /// The program could not be started.
    #[error("could not start {}", .program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No answer by the deadline.
    #[error("no answer within {0:?}")]
    Deadline(Duration),
    /// The process ended, or closed its stdout.
    #[error("the shim died ({status}){}", tail(.stderr))]
    Died {
        /// How it ended.
        status: String,
        /// What it said on stderr.
        stderr: String,
    },
    /// It said something, and not the contract's.
    #[error("not the shim contract: {wanted}, got `{line}`")]
    NotTheContract {
        /// What was wanted.
        wanted: String,
        /// The line that came, shortened.
        line: String,
    },
    /// It closed its stdin, or stopped reading.
    #[error("the shim takes no more questions")]
    Deaf(#[source] io::Error),
}

fn tail(stderr: &str) -> String {
    match stderr.trim().lines().last() {
        Some(line) => format!(": {line}"),
        None => String::new(),
    }
}
