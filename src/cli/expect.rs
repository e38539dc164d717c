//! `pgtls expect`: the reference's trace on one line.

use clap::Args;
use pgtls_conformance::reference::{self, Version};

use super::{axes::AxesArgs, error::CliError, exit, output};

#[derive(Debug, Args)]
pub(super) struct Expect {
    #[command(flatten)]
    axes: AxesArgs,
    /// The major version of libpq: 15, 16, 17, 18
    #[arg(long, value_name = "N", default_value_t)]
    libpq: Version,
}

impl Expect {
    pub(super) fn run(&self) -> Result<u8, CliError> {
        output::line(&reference::predict(&self.axes.axes(), self.libpq).to_string())?;
        Ok(exit::CLEAN)
    }
}
