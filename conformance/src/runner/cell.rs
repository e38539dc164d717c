//! One cell up to its answer: a server, and a question to a client.

use pgtls_mock_server::MockServer;
use tokio::{
    sync::oneshot,
    time::{Instant, timeout},
};

use super::{
    TestEnvironment,
    blank::Blank,
    cell_run::CellRun,
    checkout::AskedAgain,
    claim::Claimed,
    cost::cost,
    in_process,
    means::Shortage,
    multiplexer::Multiplexer,
    open::OpenCell,
    pool::{NoProcess, Pool},
    question::Question,
    spec::Client,
    stack::{ProbedStack, Ready, Unfit},
    support,
    suspicion::Suspicion,
    turn::Turn,
};
use crate::{
    judge::{Claim, Conformance, Usage},
    shim::{Launch, Meter, Misbehaviour, Request, Response, ShimError},
};

/// Where questions are asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) environment: &'a TestEnvironment,
    pub(super) pool: &'a Pool,
    /// The processes that take several questions at once, where there are any to be asked.
    pub(super) multiplexer: Option<&'a Multiplexer>,
    /// The turn that the question gives up where it waits on silence.
    pub(super) turn: Option<&'a Turn>,
}

impl<'a> Place<'a> {
    /// Where questions are asked one at a time, and each waits as long as it has to.
    pub(super) const fn of(environment: &'a TestEnvironment, pool: &'a Pool) -> Self {
        Self { environment, pool, multiplexer: None, turn: None }
    }

    /// Waits for what a client answers.
    async fn wait<T>(&self, server: &MockServer, answer: impl Future<Output = T>) -> T {
        match self.turn {
            Some(turn) => turn.wait(server, answer).await,
            None => answer.await,
        }
    }
}

/// What came of asking.
#[derive(Debug)]
pub(super) enum Asked<'a> {
    /// Nothing more can come.
    Closed(Box<CellRun>),
    /// The client has answered, and its process waits for the next question.
    Open(Box<OpenCell<'a>>, oneshot::Receiver<AskedAgain>),
}

/// Asks, of an idle process or a new one where the stack is driven by processes.
///
/// # Errors
///
/// If the tool itself cannot: nothing was found out.
pub(super) async fn ask<'a>(
    place: Place<'a>,
    stack: &'a ProbedStack,
    question: Question<'a>,
) -> Result<Asked<'a>, Shortage> {
    ask_of(Whom::Any, place, stack, question).await
}

/// Asks of a process that was asked nothing before.
///
/// # Errors
///
/// If the tool itself cannot: nothing was found out.
pub(super) async fn ask_alone<'a>(
    place: Place<'a>,
    stack: &'a ProbedStack,
    question: Question<'a>,
) -> Result<Asked<'a>, Shortage> {
    ask_of(Whom::New, place, stack, question).await
}

/// Which of a stack's processes is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whom {
    /// An idle one, or a new one where there is none.
    Any,
    /// A new one.
    New,
}

async fn ask_of<'a>(
    whom: Whom,
    place: Place<'a>,
    stack: &'a ProbedStack,
    question: Question<'a>,
) -> Result<Asked<'a>, Shortage> {
    let blank = Blank::of(&stack.name, question);
    let ready = match fit(stack, question)? {
        Ok(ready) => ready,
        Err(reason) => return Ok(closed(blank.unsupported(reason))),
    };
    let launch = match &ready.client {
        Client::Process(launch) => launch,
        Client::InProcess(driver) => {
            return in_process::ask(place.environment, driver, &blank, question).await.map(closed);
        }
    };
    let attempt = Attempt { place, blank, question, launch };
    if whom == Whom::Any
        && let Some(multiplexer) = place.multiplexer
        && let Some(open) = attempt.ask_multiplexed(multiplexer).await?
    {
        let (_, closed) = oneshot::channel();
        return Ok(Asked::Open(Box::new(open), closed));
    }
    let earlier = match attempt.ask(whom).await? {
        Answered::Surely(asked) => return Ok(asked),
        Answered::Doubtfully(_) if whom == Whom::New => return Ok(attempt.answered_another()),
        Answered::Doubtfully(earlier) => earlier,
    };
    // Asked again of a process that no other cell can have spoilt: if it fails again, this cell is
    // the reason, and else one before.
    let again = match attempt.ask(Whom::New).await? {
        Answered::Surely(asked) => asked,
        Answered::Doubtfully(_) => attempt.answered_another(),
    };
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

/// The stack, if it can be asked for this, or why it cannot.
fn fit<'a>(
    stack: &'a ProbedStack,
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

/// Waits for an answer, and watches what it costs.
async fn watched<T>(meter: &mut Option<Meter>, answer: impl Future<Output = T>) -> T {
    match meter {
        Some(meter) => meter.watch(answer).await,
        None => answer.await,
    }
}

fn closed<'a>(run: CellRun) -> Asked<'a> {
    Asked::Closed(Box::new(run))
}

/// A question to a stack that is driven by processes.
struct Attempt<'a> {
    place: Place<'a>,
    blank: Blank<'a>,
    question: Question<'a>,
    launch: &'a Launch,
}

/// How a process answered.
enum Answered<'a> {
    Surely(Asked<'a>),
    /// Not at all, or as if to another question; it may be the fault of a cell before.
    Doubtfully(Option<Suspicion>),
}

impl<'a> Attempt<'a> {
    /// Asks one of the processes that take several questions at once. None where it was of no use, or
    /// gave no answer: with several questions there, that may be the fault of any.
    async fn ask_multiplexed(
        &self,
        multiplexer: &Multiplexer,
    ) -> Result<Option<OpenCell<'a>>, Shortage> {
        let Self { place, blank, question, .. } = self;
        let Question { axes, server: behaviour, number, .. } = *question;
        let environment = place.environment;
        let client_environment = environment.client_environment(axes)?;
        let secrets = environment.secrets(&blank.id(), axes);
        let server = environment.serve(behaviour, &secrets).await?;
        let connect = environment.connect(axes, &secrets, &server, number as u64)?;
        let connect = question.put(connect, &secrets);
        let scrubber = environment.scrubber(&secrets, &server);
        let put = multiplexer.ask(&client_environment, connect, number, scrubber);
        if put.begun.await.is_err() {
            return Ok(None);
        }
        let started = Instant::now();
        let answer = timeout(environment.deadline(), put.answer);
        let Ok(Ok(told)) = place.wait(&server, answer).await else { return Ok(None) };
        let answered = Instant::now();
        let open = OpenCell {
            blank: blank.clone(),
            question: *question,
            secrets,
            scrubber: told.scrubber,
            server,
            claimed: Claimed::of(Ok(told.outcome)),
            elapsed: answered - started,
            answered,
            usage: told.usage,
        };
        self.confirmed(open).await.map(Some)
    }

    async fn ask(&self, whom: Whom) -> Result<Answered<'a>, Shortage> {
        let Self { place, blank, question, launch } = self;
        let Question { axes, server: behaviour, number, .. } = *question;
        let environment = place.environment;
        let client_environment = environment.client_environment(axes)?;
        let checkout = match whom {
            Whom::Any => place.pool.checkout(blank.stack, launch, &client_environment).await,
            Whom::New => place.pool.start(launch, &client_environment).await,
        };
        let mut checkout = match checkout {
            Ok(checkout) => checkout,
            Err(NoProcess::Short(shortage)) => return Err(shortage),
            Err(NoProcess::Broken(reason)) => {
                let run = blank.crashed(environment.scrub(&reason));
                return Ok(Answered::Surely(closed(run)));
            }
        };
        let secrets = environment.secrets(&blank.id(), axes);
        let server = environment.serve(behaviour, &secrets).await?;
        let id = number as u64;
        let connect = environment.connect(axes, &secrets, &server, id)?;
        let connect = question.put(connect, &secrets);
        let home = checkout.process.home().display().to_string();
        let scrubber = environment.scrubber(&secrets, &server).hide(home, "{home}");
        checkout.is_asked_again();
        let started = Instant::now();
        let connect = Request::Connect(Box::new(connect));
        let mut meter = checkout.process.meter();
        let asked = checkout.process.ask(&connect, environment.deadline());
        let asked = place.wait(&server, watched(&mut meter, asked)).await;
        let answered = Instant::now();
        let (claimed, other) = match asked {
            Ok(Response::Result(answer)) if answer.id != id => {
                let line = format!("the answer to question {}", answer.id);
                let wanted = format!("wanted id {id}");
                let error = ShimError::NotTheContract { wanted, line };
                (Claimed::of(Err(error)), Some(answer.id))
            }
            Ok(Response::Result(answer)) => (Claimed::of(Ok(answer.outcome)), None),
            Ok(Response::Hello(_)) => (Claimed::crash("wanted a result, got a hello"), None),
            Err(error) => (Claimed::of(Err(error)), None),
        };
        let lost = match claimed.claim {
            Claim::Hang => Some(Claim::Hang),
            Claim::Crash => Some(Claim::Crash),
            _ => None,
        };
        if lost == Some(Claim::Hang)
            && let Some(meter) = &mut meter
        {
            meter.watch_on().await;
        }
        let usage = meter.map(|meter| meter.usage());
        let how = scrubber.scrub(claimed.reason.as_deref().unwrap_or_default());
        let open = OpenCell {
            blank: blank.clone(),
            question: *question,
            secrets,
            scrubber: scrubber.clone(),
            server,
            claimed,
            elapsed: answered - started,
            answered,
            usage,
        };
        let Some(lost) = lost else {
            let process = checkout.has_answered(number, scrubber);
            place.pool.give_back(blank.stack, &client_environment, checkout);
            let open = self.confirmed(open).await?;
            return Ok(Answered::Surely(Asked::Open(Box::new(open), process)));
        };
        // What has read its question and hangs, hangs over it.
        let own = lost == Claim::Hang && !checkout.process.has_not_listened();
        let how = format!("its process was of no use for the next question: {how}");
        let earlier = checkout.suspicion(&Misbehaviour { how, answered: other });
        let used = checkout.used;
        // Its sockets close with it, so the server sees the end at once.
        checkout.process.kill().await;
        if used && !own {
            return Ok(Answered::Doubtfully(earlier));
        }
        let open = self.confirmed(open).await?;
        Ok(Answered::Surely(closed(open.close().await?)))
    }

    /// The cell, with what it cost measured again where that seems too much: what a client does when it
    /// is asked for the first time, and what others have left it to do, is not this question's.
    async fn confirmed(&self, open: OpenCell<'a>) -> Result<OpenCell<'a>, Shortage> {
        let Some(usage) = open.usage.filter(|usage| usage.is_excessive()) else { return Ok(open) };
        let again = self.cost_of_the_second_question().await?;
        Ok(OpenCell { usage: again.map(|again| usage.min(again)), ..open })
    }

    /// What the question costs a process that has answered an honest one, and nothing else.
    async fn cost_of_the_second_question(&self) -> Result<Option<Usage>, Shortage> {
        let Self { place, blank, question, launch } = self;
        let environment = place.environment;
        let client_environment = environment.client_environment(question.axes)?;
        let Ok(mut checkout) = place.pool.start(launch, &client_environment).await else {
            return Ok(None);
        };
        let cost = cost(environment, &mut checkout, blank, *question).await?;
        checkout.process.kill().await;
        Ok(cost.map(|cost| cost.usage))
    }

    /// A process that nobody else can have spoilt gave no answer to this.
    fn answered_another(&self) -> Asked<'a> {
        let how = "a new process answered what it was not asked";
        closed(self.blank.crashed(how.to_owned()))
    }
}
