//! What a question costs a process that has answered another one before: what a client does when it is
//! asked for the first time is not this question's.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    TestEnvironment,
    blank::Blank,
    checkout::Checkout,
    means::Shortage,
    question::{Question, ServerBehaviour},
};
use crate::{
    judge::Usage,
    shim::{Request, Response},
};

/// What has not worked for longer than [`IDLE`] until then waits, and costs nothing more.
const IDLE_AFTER: Duration = Duration::from_secs(1);
const IDLE: Duration = Duration::from_millis(50);

/// What a question cost.
#[derive(Debug)]
pub(super) struct Cost {
    pub(super) usage: Usage,
    /// The process has answered, and may be asked something else.
    pub(super) is_answered: bool,
}

/// Asks a process, an honest question first if it was asked nothing before, and waits no longer than
/// until it has cost too much, or waits itself. `None` where the system does not tell.
///
/// # Errors
///
/// If the tool itself cannot: nothing was found out.
pub(super) async fn cost(
    environment: &TestEnvironment,
    checkout: &mut Checkout,
    blank: &Blank<'_>,
    question: Question<'_>,
) -> Result<Option<Cost>, Shortage> {
    let secrets = environment.secrets(&blank.id(), question.axes);
    let id = question.number as u64;
    checkout.is_asked_again();
    if !checkout.used {
        let server = environment.serve(&ServerBehaviour::default(), &secrets).await?;
        let connect = environment.connect(question.axes, &secrets, &server, id)?;
        let connect = Request::Connect(Box::new(question.put(connect, &secrets)));
        // Whatever it takes to set itself up; a client that cannot is no worse the second time.
        let _ = checkout.process.ask(&connect, environment.deadline()).await;
    }
    let server = environment.serve(question.server, &secrets).await?;
    let connect = environment.connect(question.axes, &secrets, &server, id)?;
    let connect = Request::Connect(Box::new(question.put(connect, &secrets)));
    let Some(mut meter) = checkout.process.meter() else { return Ok(None) };
    let asked = checkout.process.ask(&connect, environment.deadline());
    let begun = Instant::now();
    let is_told = |usage: Usage| {
        usage.is_excessive() || (begun.elapsed() > IDLE_AFTER && usage.processor < IDLE)
    };
    let asked = meter.watch_up_to(asked, is_told).await;
    let is_answered = matches!(asked, Some(Ok(Response::Result(answer))) if answer.id == id);
    if is_answered {
        let home = checkout.process.home().display().to_string();
        let scrubber = environment.scrubber(&secrets, &server).hide(home, "{home}");
        // Nothing is open that would have to be told.
        drop(checkout.has_answered(question.number, scrubber));
    }
    Ok(Some(Cost { usage: meter.usage(), is_answered }))
}
