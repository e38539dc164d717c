//! One stack during a run: is it fit to be asked, and its idle processes.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::join_all;
use pgtls_mock_server::MockServer;

use super::{Laboratory, scrub::Scrubber};
use crate::{
    results,
    shim::{
        Answer, CONTRACT, Connect, Environment, Hello, Launch, Misbehaviour, Outcome, Request,
        Response, ShimProcess,
    },
};

/// How long a stack may take to start and say hello; a JVM on a busy machine takes seconds.
const HELLO: Duration = Duration::from_secs(30);

/// The nonsense question's id: no cell's, and a number in every language.
const NONSENSE: u64 = i32::MAX as u64;

/// A stack to run: its name in ids, and how to start it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackSpec {
    /// The name in ids.
    pub name: String,
    /// How it is started, or why it cannot be.
    pub launch: Result<Launch, String>,
}

/// A stack that was asked who it is.
#[derive(Debug)]
pub(super) struct Stack {
    pub(super) name: String,
    /// What can be asked of it, or why it could not run.
    pub(super) ready: Result<Ready, String>,
}

/// A stack that can be asked.
#[derive(Debug)]
pub(super) struct Ready {
    /// What it said of itself.
    pub(super) hello: Hello,
    launch: Launch,
    idle: Mutex<HashMap<Environment, Vec<Loan>>>,
}

/// A process, and what it was asked so far.
#[derive(Debug)]
pub(super) struct Loan {
    pub(super) process: ShimProcess,
    /// The cells, the last one last, each with what hides in its words.
    cells: Vec<(usize, Scrubber)>,
    /// It was asked to connect before, be it for no cell.
    pub(super) used: bool,
}

impl Loan {
    fn new(process: ShimProcess) -> Self {
        Self { process, cells: Vec::new(), used: false }
    }

    /// The process has answered this cell.
    pub(super) fn has_answered(&mut self, cell: usize, scrubber: Scrubber) {
        self.used = true;
        self.cells.push((cell, scrubber));
    }

    /// Charges what nobody had asked for to the cell that it belongs to.
    pub(super) fn charge(&self, misbehaviour: &Misbehaviour) -> Option<Amendment> {
        charge(&self.cells, misbehaviour)
    }

    /// Charges what the process did since its last answer, if anything; whether it did.
    fn is_charged(&mut self, amendments: &Mutex<Vec<Amendment>>) -> bool {
        let Some(misbehaviour) = self.process.has_misbehaved() else { return false };
        lock(amendments).extend(self.charge(&misbehaviour));
        true
    }
}

/// Of the cells that a process was asked, the one that an answer belongs to, else the last one.
fn charge(cells: &[(usize, Scrubber)], misbehaviour: &Misbehaviour) -> Option<Amendment> {
    let Misbehaviour { how, answered } = misbehaviour;
    let belongs = |(cell, _): &&(usize, Scrubber)| answered.is_some_and(|id| id == *cell as u64);
    let (cell, scrubber) = cells.iter().find(belongs).or(cells.last())?;
    Some((*cell, scrubber.scrub(how)))
}

/// A process that misbehaved behind a cell's back: which cell it was, and what it did.
pub(super) type Amendment = (usize, String);

impl Stack {
    /// Starts the stack, asks who it is, and sees that it says no to nonsense.
    pub(super) async fn probe(spec: &StackSpec, laboratory: &Laboratory) -> Self {
        let ready = match &spec.launch {
            Ok(launch) => Ready::interrogate(launch, laboratory).await,
            Err(reason) => Err(reason.clone()),
        };
        Self { name: spec.name.clone(), ready }
    }

    /// Puts every idle process away, and reports those that misbehaved since their answer.
    pub(super) async fn retire(&self, amendments: &Mutex<Vec<Amendment>>) {
        if let Ok(ready) = &self.ready {
            ready.retire(amendments).await;
        }
    }

    /// The stack as the results tell it.
    pub(super) fn result(&self) -> results::Stack {
        let hello = self.ready.as_ref().ok().map(|ready| &ready.hello);
        results::Stack {
            name: self.name.clone(),
            version: hello.map(|hello| hello.version.clone()),
            tls: hello.map(|hello| hello.tls.clone()),
            libpq: hello.and_then(|hello| hello.libpq),
            supports: hello.map(|hello| hello.supports.clone()),
            could_not_run: self.ready.as_ref().err().cloned(),
        }
    }
}

impl Ready {
    async fn interrogate(launch: &Launch, laboratory: &Laboratory) -> Result<Self, String> {
        let environment = laboratory.bare_environment().map_err(|error| error.to_string())?;
        let mut process =
            ShimProcess::start(launch, &environment).map_err(|error| with_source(&error))?;
        let answer = process.ask(&Request::Hello { contract: CONTRACT }, HELLO).await;
        let hello = match answer.map_err(|error| with_source(&error))? {
            Response::Hello(hello) if hello.contract == CONTRACT => hello,
            Response::Hello(hello) => {
                return Err(format!("wanted contract {CONTRACT}, got {}", hello.contract));
            }
            Response::Result(_) => return Err("wanted a hello, got a result".to_owned()),
        };
        if hello.libpq.is_some_and(|version| version <= 14) && real_home_has_libpq_files() {
            return Err("libpq up to 14 finds the real ~/.postgresql without HOME".to_owned());
        }
        let process = refuse_nonsense(process, laboratory).await?;
        let ready = Self { hello, launch: launch.clone(), idle: Mutex::default() };
        ready.give_back(&environment, Loan { used: true, ..Loan::new(process) });
        Ok(ready)
    }

    /// An idle process of that environment, or a new one. Idle ones that misbehaved since their
    /// answer are reported and put away.
    pub(super) async fn lend(
        &self,
        environment: &Environment,
        amendments: &Mutex<Vec<Amendment>>,
    ) -> Result<Loan, String> {
        while let Some(mut idle) = self.take_idle(environment) {
            if !idle.is_charged(amendments) {
                return Ok(idle);
            }
        }
        self.lend_new(environment).await
    }

    /// A new process; or why none is to be had.
    pub(super) async fn lend_new(&self, environment: &Environment) -> Result<Loan, String> {
        let mut process =
            ShimProcess::start(&self.launch, environment).map_err(|error| with_source(&error))?;
        // The contract begins with hello; a shim may set itself up there.
        match process.ask(&Request::Hello { contract: CONTRACT }, HELLO).await {
            Ok(Response::Hello(_)) => Ok(Loan::new(process)),
            Ok(Response::Result(_)) => Err("wanted a hello, got a result".to_owned()),
            Err(error) => {
                let home = process.home().display().to_string();
                Err(Scrubber::default().hide(home, "{home}").scrub(&with_source(&error)))
            }
        }
    }

    fn take_idle(&self, environment: &Environment) -> Option<Loan> {
        lock(&self.idle).get_mut(environment)?.pop()
    }

    pub(super) fn give_back(&self, environment: &Environment, loan: Loan) {
        lock(&self.idle).entry(environment.clone()).or_default().push(loan);
    }

    async fn retire(&self, amendments: &Mutex<Vec<Amendment>>) {
        let idle: Vec<Loan> = lock(&self.idle).drain().flat_map(|(_, idle)| idle).collect();
        let retired = idle.into_iter().map(|Loan { process, cells, .. }| async move {
            charge(&cells, &process.retire().await?)
        });
        let misbehaved = join_all(retired).await;
        lock(amendments).extend(misbehaved.into_iter().flatten());
    }
}

/// The question that no honest stack can say yes to.
async fn refuse_nonsense(
    mut process: ShimProcess,
    laboratory: &Laboratory,
) -> Result<ShimProcess, String> {
    let server = MockServer::builder()
        .authority(laboratory.authority().clone())
        .start()
        .await
        .map_err(|error| format!("no server for the nonsense question: {error}"))?;
    let connect = Connect {
        // No cell's: a line that was printed ahead of time answers another question.
        id: NONSENSE,
        host: "localhost".to_owned(),
        hostaddr: Some(server.address().ip().to_string()),
        port: server.address().port(),
        user: "any".to_owned(),
        password: "nonsense".to_owned(),
        dbname: "postgres".to_owned(),
        timeout_ms: laboratory.timeout_ms(),
        query: "SELECT 1".to_owned(),
        sslmode: Some("nonsense".to_owned()),
        ..Connect::default()
    };
    // Twice as long as a cell may take: it is a JVM's first look at its driver.
    let answer = process.ask(&Request::Connect(Box::new(connect)), laboratory.deadline() * 2).await;
    let seen = server.finish(Duration::ZERO).await;
    let dropped = |what: &str| Err(format!("dropped: asked for sslmode=nonsense, {what}"));
    match answer {
        Ok(Response::Result(Answer { id, .. })) if id != NONSENSE => {
            dropped(&format!("it answered question {id}"))
        }
        Ok(Response::Result(Answer {
            outcome: Outcome::Failed { .. } | Outcome::Unsupported { .. },
            ..
        })) => {
            if seen.connections.is_empty() {
                Ok(process)
            } else {
                dropped("it connected")
            }
        }
        Ok(_) => dropped("it did not say no"),
        Err(error) => dropped(&format!("it gave no answer: {}", with_source(&error))),
    }
}

/// The home that the user database names, which libpq up to 14 asks when HOME is not set.
fn real_home_has_libpq_files() -> bool {
    nix::unistd::User::from_uid(nix::unistd::Uid::current())
        .ok()
        .flatten()
        .is_some_and(|user| user.dir.join(".postgresql").exists())
}

pub(super) fn with_source(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
