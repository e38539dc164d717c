//! Why a driver's test fails.

use std::{fmt, io};

use crate::runner::TestEnvironmentError;

/// Why a check or a hunt did not come out clean. Its text is for whoever reads the test's output, and
/// so is its `Debug`, which is what `unwrap` shows.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The driver broke what it promises: each finding in words.
    #[error("{0}")]
    Findings(String),
    /// Nothing was found out: the driver cannot run, or not one honest connection works.
    #[error("{name} cannot run: {reason}")]
    CannotRun {
        /// The driver's name.
        name: String,
        /// Why, in its own words.
        reason: String,
    },
    /// A setting from the environment is none.
    #[error("{variable}: {reason}")]
    Setting {
        /// The variable.
        variable: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The tool itself failed.
    #[error("the certificates or the folder of the run could not be made")]
    Environment(#[from] TestEnvironmentError),
    /// There was no thread or runtime to be had.
    #[error("could not start")]
    Start(#[from] io::Error),
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::words::with_causes(self))
    }
}
