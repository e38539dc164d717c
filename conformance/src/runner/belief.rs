//! Whether what was found may be believed.

use std::time::Instant;

use super::{cell_run::CellRun, environment::TestEnvironment, means::Shortage, stack::ProbedStack};

/// A run that found something counts only if the tool was short of nothing meanwhile. A driver in this
/// process cannot have missed a timeout for want of the processor: its clock stands still meanwhile.
pub(super) fn believe(
    environment: &TestEnvironment,
    stack: &ProbedStack,
    started: Instant,
    run: Result<CellRun, Shortage>,
) -> Result<CellRun, Shortage> {
    let run = run?;
    if !stack.is_in_process()
        && run.result.is_finding()
        && let Some(shortage) = environment.shortage_since(started)
    {
        return Err(shortage);
    }
    Ok(run)
}
