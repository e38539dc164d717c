//! One cell up to its answer: a server, and a question to a client.

use pgtls_mock_server::{RuleSpec, transcript::Observation};
use tokio::{sync::oneshot, time::Instant};

use super::{
    TestEnvironment, TestEnvironmentError,
    blank::Blank,
    means::Shortage,
    open::{OpenCell, Told, told},
    pool::{AskedAgain, Checkout, NoProcess, Pool, Suspicion, with_source},
    stack::{Ready, Stack, Unfit},
    support,
};
use crate::{
    axes::Axes,
    judge::{Claim, Conformance},
    reference::{self, Version},
    results::CellResult,
    shim::{ClientEnvironment, Misbehaviour, Request, Response, ShimError},
};

/// A cell's result, with the transcript that the results do not carry.
#[derive(Debug, Clone)]
pub struct CellRun {
    /// The result.
    pub result: CellResult,
    /// What the server saw; empty where the stack does not support the cell.
    pub observation: Observation,
}

/// What is asked of a stack.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) axes: &'a Axes,
    /// For the wire; none but in fuzzing.
    pub(super) rules: &'a [RuleSpec],
    pub(super) version: Version,
    /// Tells the questions of one run apart.
    pub(super) number: usize,
}

/// Where questions are asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) environment: &'a TestEnvironment,
    pub(super) pool: &'a Pool,
}

/// What came of asking.
#[derive(Debug)]
pub(super) enum Asked<'a> {
    /// Nothing more can come.
    Closed(Box<CellRun>),
    /// The client has answered, and its process waits for the next question.
    Open(Box<OpenCell<'a>>, oneshot::Receiver<AskedAgain>),
}

/// Asks, of an idle process or a new one.
///
/// # Errors
///
/// If the tool itself cannot: nothing was found out.
pub(super) async fn ask<'a>(
    place: Place<'a>,
    stack: &'a Stack,
    question: Question<'a>,
) -> Result<Asked<'a>, Shortage> {
    let blank = blank(stack, question);
    let ready = match fit(stack, question)? {
        Ok(ready) => ready,
        Err(reason) => return Ok(closed(blank.unsupported(reason))),
    };
    let client_environment = place.environment.client_environment(question.axes)?;
    let earlier = match place.pool.checkout(ready, &client_environment).await {
        Ok(checkout) => {
            match attempt(place, &blank, question, &client_environment, checkout).await? {
                Attempt::Done(asked) => return Ok(asked),
                Attempt::Doubtful(earlier) => earlier,
            }
        }
        Err(NoProcess::Short(shortage)) => return Err(shortage),
        Err(NoProcess::Broken(reason)) => {
            return Ok(closed(blank.crashed(place.environment.scrub(&reason))));
        }
    };
    // Asked again of a process that no other cell can have spoilt: if it fails again, this cell is
    // the reason, and else one before.
    let again = ask_alone(place, stack, question).await?;
    let is_spoilt = match &again {
        Asked::Closed(run) => {
            !matches!(run.result.conformance, Conformance::Crash | Conformance::Hang)
        }
        Asked::Open(..) => true,
    };
    if is_spoilt {
        place.pool.note(earlier);
    }
    Ok(again)
}

/// Asks of a process that was asked nothing before.
///
/// # Errors
///
/// If the tool itself cannot: nothing was found out.
pub(super) async fn ask_alone<'a>(
    place: Place<'a>,
    stack: &'a Stack,
    question: Question<'a>,
) -> Result<Asked<'a>, Shortage> {
    let blank = blank(stack, question);
    let ready = match fit(stack, question)? {
        Ok(ready) => ready,
        Err(reason) => return Ok(closed(blank.unsupported(reason))),
    };
    let client_environment = place.environment.client_environment(question.axes)?;
    let checkout = match place.pool.start(ready, &client_environment).await {
        Ok(checkout) => checkout,
        Err(NoProcess::Short(shortage)) => return Err(shortage),
        Err(NoProcess::Broken(reason)) => {
            return Ok(closed(blank.crashed(place.environment.scrub(&reason))));
        }
    };
    match attempt(place, &blank, question, &client_environment, checkout).await? {
        Attempt::Done(asked) => Ok(asked),
        Attempt::Doubtful(_) => {
            let how = "a new process answered what it was not asked";
            Ok(closed(blank.crashed(how.to_owned())))
        }
    }
}

/// The stack, if it can be asked for this, or why it cannot.
fn fit<'a>(
    stack: &'a Stack,
    question: Question<'_>,
) -> Result<Result<&'a Ready, String>, Shortage> {
    match &stack.ready {
        Ok(ready) => Ok(match support::reason_against(&ready.hello.supports, question.axes) {
            None => Ok(ready),
            Some(reason) => Err(reason),
        }),
        Err(Unfit::Own(reason)) => Ok(Err(reason.clone())),
        Err(Unfit::Short(shortage)) => Err(shortage.clone()),
    }
}

fn closed<'a>(run: CellRun) -> Asked<'a> {
    Asked::Closed(Box::new(run))
}

pub(super) fn blank<'a>(stack: &'a Stack, question: Question<'a>) -> Blank<'a> {
    let expected = reference::predict(question.axes, question.version);
    Blank { stack: &stack.name, axes: question.axes, expected }
}

enum Attempt<'a> {
    Done(Asked<'a>),
    /// The process gave no answer, or another one's; it may be the fault of a cell before.
    Doubtful(Option<Suspicion>),
}

async fn attempt<'a>(
    place: Place<'a>,
    blank: &Blank<'a>,
    question: Question<'a>,
    client_environment: &ClientEnvironment,
    mut checkout: Checkout,
) -> Result<Attempt<'a>, Shortage> {
    let Question { axes, rules, number, .. } = question;
    let environment = place.environment;
    let secrets = environment.secrets(&blank.id(), axes);
    let server = environment.serve(axes, rules, &secrets).await?;
    let id = number as u64;
    let connect = environment.connect(axes, &secrets, &server, id)?;
    let home = checkout.process.home().display().to_string();
    let scrubber = environment.scrubber(&secrets, &server).hide(home, "{home}");
    checkout.is_asked_again();
    let started = Instant::now();
    let connect = Request::Connect(Box::new(connect));
    let asked = checkout.process.ask(&connect, environment.deadline()).await;
    let answered = Instant::now();
    let (asked, other) = match asked {
        Ok(Response::Result(answer)) if answer.id != id => {
            let line = format!("the answer to question {}", answer.id);
            (
                Err(ShimError::NotTheContract { wanted: format!("wanted id {id}"), line }),
                Some(answer.id),
            )
        }
        asked => (asked, None),
    };
    let (told, reason) = told(asked);
    let lost = match &told {
        Told::Claim(claim @ (Claim::Hang | Claim::Crash), _) => Some(*claim == Claim::Hang),
        _ => None,
    };
    let how = scrubber.scrub(reason.as_deref().unwrap_or_default());
    let open = OpenCell {
        blank: blank.clone(),
        rules,
        secrets,
        scrubber: scrubber.clone(),
        server,
        told,
        reason,
        elapsed: answered - started,
        answered,
    };
    let Some(hangs) = lost else {
        let process = checkout.has_answered(number, scrubber);
        place.pool.give_back(blank.stack, client_environment, checkout);
        return Ok(Attempt::Done(Asked::Open(Box::new(open), process)));
    };
    // What has read its question and hangs, hangs over it.
    let own = hangs && !checkout.process.has_not_listened();
    let how = format!("its process was of no use for the next question: {how}");
    let earlier = checkout.suspicion(&Misbehaviour { how, answered: other });
    let used = checkout.used;
    // Its sockets close with it, so the server sees the end at once.
    checkout.process.kill().await;
    if used && !own {
        return Ok(Attempt::Doubtful(earlier));
    }
    Ok(Attempt::Done(closed(open.close().await?)))
}

impl From<TestEnvironmentError> for Shortage {
    fn from(error: TestEnvironmentError) -> Self {
        Self::Other(with_source(&error))
    }
}
