//! `pgtls shim`: a built-in stack over the shim contract.

use clap::Args;

use super::{error::CliError, exit, interrupt};
use crate::stacks::{self, BuiltIn};

#[derive(Debug, Args)]
pub(super) struct Shim {
    /// The stack's name, as `pgtls list stacks` prints it
    #[arg(value_name = "STACK", value_parser = parse)]
    stack: BuiltIn,
}

fn parse(name: &str) -> Result<BuiltIn, String> {
    let known = || BuiltIn::ALL.map(BuiltIn::name).join(", ");
    BuiltIn::named(name)
        .ok_or_else(|| format!("no built-in stack is called that; there are: {}", known()))
}

impl Shim {
    pub(super) fn run(&self) -> Result<u8, CliError> {
        // One question at a time: one thread will do, and starts faster.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| CliError::tool("no runtime for network and timers", error))?;
        let served = runtime.block_on(async {
            let interrupted = interrupt::here()?;
            tokio::select! {
                served = stacks::serve(self.stack) => Ok(Some(served)),
                () = interrupted => Ok::<_, CliError>(None),
            }
        });
        runtime.shutdown_background();
        let Some(served) = served? else { return Ok(exit::INTERRUPTED) };
        served.map_err(|error| CliError::tool(format!("shim {}", self.stack.name()), error))?;
        Ok(exit::CLEAN)
    }
}
