//! Whether what was found may be believed.

use std::time::Instant;

use super::{cell_run::CellRun, environment::TestEnvironment, means::Shortage};

/// A run that found something counts only if the tool was short of nothing meanwhile.
pub(super) fn believe(
    environment: &TestEnvironment,
    started: Instant,
    run: Result<CellRun, Shortage>,
) -> Result<CellRun, Shortage> {
    let run = run?;
    if run.result.is_finding()
        && let Some(shortage) = environment.shortage_since(started)
    {
        return Err(shortage);
    }
    Ok(run)
}
