//! One question to a process that is asked nothing else, up to its end.

use super::{
    blank::amend,
    cell::{Asked, Place, ask_alone},
    cell_run::CellRun,
    means::Shortage,
    pool::Pool,
    question::Question,
    stack::ProbedStack,
    suspicion::Suspicion,
};

/// Asks a new process in a pool of its own, up to its end.
pub(super) async fn to_the_end(
    place: Place<'_>,
    stack: &ProbedStack,
    question: Question<'_>,
) -> Result<CellRun, Shortage> {
    let alone = Pool::new(1);
    let place = Place { pool: &alone, multiplexer: None, ..place };
    let asked = ask_alone(place, stack, question).await?;
    if let Some(turn) = place.turn {
        turn.give_way();
    }
    let mut run = match asked {
        Asked::Closed(run) => *run,
        Asked::Open(open, process) => {
            let (run, ()) = tokio::join!(open.close_behind(process), alone.retire_all());
            run?
        }
    };
    if let Some(Suspicion { how, .. }) = alone.suspicions().pop() {
        amend(&mut run.result, Some(how));
    }
    Ok(run)
}
