//! One cell: a server, a question to a client, a verdict.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use pgtls_mock_server::{
    RuleSpec,
    trace::{self, Trace},
    transcript::{Connection, Observation, Sender, What},
};

use super::{
    laboratory::{Laboratory, LaboratoryError},
    stack::{Amendment, Loan, Ready, Stack, lock, with_source},
    support,
};
use crate::{
    Cell,
    axes::Axes,
    judge::{Claim, Conformance, Facts, Invariant, conformance, safety, warnings},
    reference::{self, Version},
    results::{CellResult, Expected, Observed, Tls},
    shim::{Answer, ClientError, Environment, Misbehaviour, Outcome, Request, Response, ShimError},
};

/// How long the server waits for connections that the client left open after its answer.
const GRACE: Duration = Duration::from_millis(1500);

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

/// Runs one cell.
pub(super) async fn run(
    laboratory: &Laboratory,
    stack: &Stack,
    question: Question<'_>,
    amendments: &Mutex<Vec<Amendment>>,
) -> Result<CellRun, LaboratoryError> {
    let axes = question.axes;
    let blank =
        Blank { stack: &stack.name, axes, expected: reference::predict(axes, question.version) };
    let stack = match &stack.ready {
        Ok(ready) => ready,
        Err(reason) => return Ok(blank.unsupported(reason.clone())),
    };
    if let Some(reason) = support::reason_against(&stack.hello.supports, axes) {
        return Ok(blank.unsupported(reason));
    }
    let environment = laboratory.environment(axes)?;
    let loan = match stack.lend(&environment, amendments).await {
        Ok(loan) => loan,
        Err(reason) => return Ok(blank.crashed(laboratory.scrub(&reason))),
    };
    let earlier = match attempt(laboratory, stack, &blank, question, &environment, loan).await? {
        Attempt::Done(run) => return Ok(*run),
        Attempt::Doubtful(earlier) => earlier,
    };
    // Asked again of a process that no other cell can have spoilt: if it fails again, this cell is
    // the reason, and else the one before.
    let again = match stack.lend_new(&environment).await {
        Ok(loan) => attempt(laboratory, stack, &blank, question, &environment, loan).await?,
        Err(reason) => return Ok(blank.crashed(laboratory.scrub(&reason))),
    };
    let Attempt::Done(run) = again else {
        return Ok(blank.crashed("a new process answered what it was not asked".to_owned()));
    };
    if !matches!(run.result.conformance, Conformance::Crash | Conformance::Hang) {
        lock(amendments).extend(earlier);
    }
    Ok(*run)
}

enum Attempt {
    Done(Box<CellRun>),
    /// The process gave no answer, or another one's; it may be the fault of the cell before.
    Doubtful(Option<Amendment>),
}

async fn attempt(
    laboratory: &Laboratory,
    stack: &Ready,
    blank: &Blank<'_>,
    question: Question<'_>,
    environment: &Environment,
    mut loan: Loan,
) -> Result<Attempt, LaboratoryError> {
    let Question { axes, rules, number, .. } = question;
    let secrets = laboratory.secrets(&blank.id(), axes);
    let server = laboratory.serve(axes, rules, &secrets).await?;
    let id = number as u64;
    let connect = laboratory.connect(axes, &secrets, &server, id)?;
    let home = loan.process.home().display().to_string();
    let scrubber = laboratory.scrubber(&secrets, &server).hide(home, "{home}");
    let started = Instant::now();
    let asked = loan.process.ask(&Request::Connect(Box::new(connect)), laboratory.deadline()).await;
    let elapsed = started.elapsed();
    let (asked, answered) = match asked {
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
    let observation = match &told {
        Told::Claim(claim @ (Claim::Hang | Claim::Crash), _) => {
            // What has read its question and hangs, hangs over it.
            let own = *claim == Claim::Hang && !loan.process.has_not_listened();
            let how = scrubber.scrub(reason.as_deref().unwrap_or_default());
            let how = format!("its process was of no use for the next question: {how}");
            let earlier = loan.charge(&Misbehaviour { how, answered });
            // Its sockets close with it, so the server sees the end at once.
            loan.process.kill().await;
            let observation = server.finish(GRACE).await;
            if loan.used && !own {
                return Ok(Attempt::Doubtful(earlier));
            }
            observation
        }
        _ => {
            let observation = server.finish(GRACE).await;
            loan.has_answered(number, scrubber.clone());
            stack.give_back(environment, loan);
            observation
        }
    };
    let entries = || observation.connections.iter().flat_map(|connection| &connection.entries);
    if entries().any(|entry| entry.what == What::ServerFailed) {
        return Err(LaboratoryError::ServerFailed(blank.id()));
    }
    let (claim, error) = match told {
        Told::Unsupported(reason) if observation.connections.is_empty() => {
            return Ok(Attempt::Done(Box::new(blank.unsupported(scrubber.scrub(&reason)))));
        }
        Told::Unsupported(reason) => {
            let error = ClientError { class: "unsupported".to_owned(), message: reason.clone() };
            (Claim::Unsupported(reason), Some(error))
        }
        Told::Claim(claim, error) => (claim, error),
    };
    let facts = Facts::of(&observation, claim, &secrets, rules);
    let error = error.map(|error| ClientError {
        class: scrubber.scrub(&error.class),
        message: scrubber.scrub(&error.message),
    });
    let result = CellResult {
        observed: Some(Observed {
            trace: facts.trace.to_string(),
            outcome: facts.trace.outcome.name().to_owned(),
            error,
            tls: tls(&observation),
            round_trips: round_trips(&observation),
            elapsed_us: u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
        }),
        conformance: conformance(axes, &blank.expected, &facts),
        safety: safety(axes, &facts),
        warnings: warnings(axes, &facts),
        reason: reason.map(|reason| scrubber.scrub(&reason)),
        ..blank.result()
    };
    Ok(Attempt::Done(Box::new(CellRun { result, observation })))
}

enum Told {
    Unsupported(String),
    Claim(Claim, Option<ClientError>),
}

/// What an answer, or the lack of one, comes to; and the reason of a crash or a hang.
fn told(asked: Result<Response, ShimError>) -> (Told, Option<String>) {
    match asked {
        Ok(Response::Result(Answer { outcome, .. })) => {
            let told = match outcome {
                Outcome::Connected { tls, rows } => {
                    Told::Claim(Claim::Connected { rows, tls }, None)
                }
                Outcome::Failed { error } => {
                    let text = format!("{} {}", error.class, error.message);
                    Told::Claim(Claim::Failed(text), Some(error))
                }
                Outcome::Unsupported { reason } => Told::Unsupported(reason),
            };
            (told, None)
        }
        Ok(Response::Hello(_)) => {
            (Told::Claim(Claim::Crash, None), Some("wanted a result, got a hello".to_owned()))
        }
        Err(error @ ShimError::Deadline(_)) => {
            (Told::Claim(Claim::Hang, None), Some(error.to_string()))
        }
        Err(error) => (Told::Claim(Claim::Crash, None), Some(with_source(&error))),
    }
}

/// A cell of which only the question is known.
struct Blank<'a> {
    stack: &'a str,
    axes: &'a Axes,
    expected: Trace,
}

impl Blank<'_> {
    fn id(&self) -> String {
        Cell { stack: self.stack.to_owned(), axes: self.axes.clone() }.to_string()
    }

    fn result(&self) -> CellResult {
        CellResult {
            id: self.id(),
            stack: self.stack.to_owned(),
            axes: self
                .axes
                .values()
                .map(|(axis, value)| (axis.to_owned(), value.to_owned()))
                .collect(),
            expected: Expected { trace: self.expected.to_string() },
            observed: None,
            conformance: Conformance::Unsupported,
            safety: Vec::new(),
            warnings: Vec::new(),
            reason: None,
        }
    }

    fn unsupported(&self, reason: String) -> CellRun {
        CellRun {
            result: CellResult { reason: Some(reason), ..self.result() },
            observation: Observation::default(),
        }
    }

    /// No process was to be had for it.
    fn crashed(&self, reason: String) -> CellRun {
        let mut run = self.unsupported(reason);
        run.result.observed = Some(Observed {
            trace: Trace { outcome: trace::Outcome::Crash, ..Trace::default() }.to_string(),
            outcome: trace::Outcome::Crash.name().to_owned(),
            error: None,
            tls: None,
            round_trips: 0,
            elapsed_us: 0,
        });
        amend(&mut run.result, None);
        run
    }
}

/// Turns a result into a crash, by what the client's process did behind its back.
pub(super) fn amend(result: &mut CellResult, how: Option<String>) {
    result.conformance = Conformance::Crash;
    if !result.safety.contains(&Invariant::Crash) {
        result.safety.push(Invariant::Crash);
        result.safety.sort();
    }
    if how.is_some() {
        result.reason = how;
    }
    if let Some(observed) = &mut result.observed {
        observed.outcome = "crash".to_owned();
        if let Some((events, _)) = observed.trace.split_once(" -> ") {
            observed.trace = format!("{events} -> crash");
        }
    }
}

/// The session that carried the query, or else the last that there was.
fn tls(observation: &Observation) -> Option<Tls> {
    let carried = |connection: &&Connection| {
        connection.entries.iter().any(|entry| matches!(entry.what, What::Query(_)))
    };
    let connections = &observation.connections;
    let connection = connections
        .iter()
        .find(carried)
        .or_else(|| connections.iter().rev().find(|connection| connection.tls.is_some()))?;
    let facts = connection.tls.as_ref()?;
    Some(Tls {
        version: facts.version.clone(),
        cipher: facts.cipher.clone(),
        alpn: facts.alpn.clone(),
        sni: facts.sni.clone(),
    })
}

/// How often the client spoke after the server had, or first, up to the query. A farewell waits for
/// no answer, and whether it still arrives is chance.
fn round_trips(observation: &Observation) -> u32 {
    let mut flights = 0;
    for connection in &observation.connections {
        let mut last = Sender::Server;
        for entry in &connection.entries {
            if matches!(
                entry.what,
                What::Event(_)
                    | What::Alert(_)
                    | What::SessionBroken(_)
                    | What::Closed
                    | What::Reset
                    | What::TimedOut
            ) {
                continue;
            }
            if entry.sender == Sender::Client && last == Sender::Server {
                flights += 1;
            }
            last = entry.sender;
            if matches!(entry.what, What::Query(_)) {
                return flights;
            }
        }
    }
    flights
}
