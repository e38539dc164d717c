//! One stack during a run: is it fit to be asked?

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use pgtls_mock_server::{MockServer, trace};

use super::{
    TestEnvironment,
    cell::{Asked, Place, Question, ask},
    means::Shortage,
    pool::{Checkout, NoProcess, with_source},
    support,
};
use crate::{
    axes::{Axes, Sslmode, Sslrootcert},
    reference::Version,
    results::{self, CellResult},
    shim::{Answer, CONTRACT, Connect, Hello, Launch, Outcome, Request, Response, ShimProcess},
};

/// How long a stack may take to start and say hello; a JVM on a busy machine takes seconds.
pub(super) const HELLO: Duration = Duration::from_secs(30);

/// The nonsense question's id: no cell's, and a number in every language.
const NONSENSE: u64 = i32::MAX as u64;
/// The honest questions' numbers: no cell's either, one for each mode.
const HONEST: usize = i32::MAX as usize - 100;

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
    /// What can be asked of it, or why nothing can.
    pub(super) ready: Result<Ready, Unfit>,
}

/// A stack that can be asked.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) name: String,
    /// What it said of itself.
    pub(super) hello: Hello,
    pub(super) launch: Launch,
    /// How long it took to start and say so.
    pub(super) start: Duration,
}

/// Why a stack cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    /// For a reason of its own.
    #[error("{0}")]
    Own(String),
    /// For want of the tool's means, which says nothing of it.
    #[error("{0}")]
    Short(Shortage),
}

impl From<String> for Unfit {
    fn from(reason: String) -> Self {
        Self::Own(reason)
    }
}

impl Stack {
    /// Starts the stack, asks who it is, and sees that it says no to nonsense.
    pub(super) async fn probe(spec: &StackSpec, place: Place<'_>) -> Self {
        let started = Instant::now();
        let ready = match &spec.launch {
            Ok(launch) => Ready::interrogate(&spec.name, launch, place).await,
            Err(reason) => Err(reason.clone().into()),
        };
        Self { name: spec.name.clone(), ready: place.environment.believe(ready, started) }
    }

    /// The same, and sees that an honest connection works in at least one of its modes. Where none
    /// does, whatever else it did would be judged by a mistake.
    pub(super) async fn probe_and_connect(spec: &StackSpec, place: Place<'_>) -> Self {
        let mut stack = Self::probe(spec, place).await;
        let started = Instant::now();
        if stack.ready.is_ok()
            && let Err(reason) = stack.connects(place).await
        {
            stack.ready = place.environment.believe(Err(reason), started);
        }
        stack
    }

    /// Whether an honest connection works, and if none does, the client's own words.
    pub(super) async fn connects(&self, place: Place<'_>) -> Result<(), Unfit> {
        let Ok(ready) = &self.ready else { return Ok(()) };
        let supports = &ready.hello.supports;
        let modes = Sslmode::BY_STRICTNESS.into_iter();
        let questions: Vec<Axes> = modes
            .map(|sslmode| {
                let has_root = supports.sslrootcert.iter().any(|root| root == "file");
                let sslrootcert = if has_root { Sslrootcert::Right } else { Sslrootcert::None };
                Axes { sslmode, sslrootcert, ..Axes::default() }
            })
            .filter(|axes| support::reason_against(supports, axes).is_none())
            .collect();
        let [first, rest @ ..] = questions.as_slice() else { return Ok(()) };
        // The first one is enough, but for a stack that something is wrong with.
        let Err(why) = self.connects_with(place, first, HONEST).await? else { return Ok(()) };
        let others = rest
            .iter()
            .enumerate()
            .map(|(number, axes)| self.connects_with(place, axes, HONEST + 1 + number));
        let mut words = why;
        for other in join_all(others).await {
            match other? {
                Ok(()) => return Ok(()),
                Err(why) => words = why,
            }
        }
        Err(Unfit::Own(format!("no honest connection works: {words}")))
    }

    async fn connects_with(
        &self,
        place: Place<'_>,
        axes: &Axes,
        number: usize,
    ) -> Result<Result<(), String>, Unfit> {
        let question = Question { axes, rules: &[], version: Version::default(), number };
        let run = match ask(place, self, question).await.map_err(Unfit::Short)? {
            Asked::Closed(run) => *run,
            Asked::Open(open, _) => open.close().await.map_err(Unfit::Short)?,
        };
        Ok(works(&run.result))
    }

    /// The stack as the results tell it.
    pub(super) fn result(&self) -> results::Stack {
        let hello = self.ready.as_ref().ok().map(|ready| &ready.hello);
        let could_not_run = match &self.ready {
            Err(Unfit::Own(reason)) => Some(reason.clone()),
            // Its cells tell.
            Err(Unfit::Short(_)) | Ok(_) => None,
        };
        results::Stack {
            name: self.name.clone(),
            version: hello.map(|hello| hello.version.clone()),
            tls: hello.map(|hello| hello.tls.clone()),
            libpq: hello.and_then(|hello| hello.libpq),
            supports: hello.map(|hello| hello.supports.clone()),
            could_not_run,
        }
    }
}

/// Whether the client is fit to be judged: all are that do not answer that they failed. What a client
/// lies about, and what it hangs or dies of, is for the judge.
fn works(result: &CellResult) -> Result<(), String> {
    let mode = result.axes.known().sslmode;
    let Some(observed) = &result.observed else {
        return Err(format!("{mode}: {}", result.reason.as_deref().unwrap_or_default()));
    };
    match &observed.error {
        Some(error)
            if !matches!(
                observed.outcome().known(),
                Some(trace::Outcome::Ssl | trace::Outcome::Plain)
            ) =>
        {
            Err(format!("{mode}: {}: {}", error.class, error.message))
        }
        _ => Ok(()),
    }
}

impl Ready {
    async fn interrogate(name: &str, launch: &Launch, place: Place<'_>) -> Result<Self, Unfit> {
        let environment = place.environment;
        let client_environment = environment.bare_client_environment();
        let started = Instant::now();
        let mut checkout: Checkout = match place.pool.born(launch, &client_environment).await {
            Ok(checkout) => checkout,
            Err(NoProcess::Broken(reason)) => return Err(reason.into()),
            Err(NoProcess::Short(shortage)) => return Err(Unfit::Short(shortage)),
        };
        let answer = checkout.process.ask(&Request::Hello { contract: CONTRACT }, HELLO).await;
        let start = started.elapsed();
        let hello = match answer.map_err(|error| with_source(&error))? {
            Response::Hello(hello) if hello.contract == CONTRACT => hello,
            Response::Hello(hello) => {
                return Err(format!("wanted contract {CONTRACT}, got {}", hello.contract).into());
            }
            Response::Result(_) => return Err("wanted a hello, got a result".to_owned().into()),
        };
        if hello.libpq.is_some_and(|version| version <= 14) && real_home_has_libpq_files() {
            let reason = "libpq up to 14 finds the real ~/.postgresql without HOME";
            return Err(reason.to_owned().into());
        }
        refuse_nonsense(&mut checkout.process, environment).await?;
        checkout.used = true;
        place.pool.give_back(name, &client_environment, checkout);
        Ok(Self { name: name.to_owned(), hello, launch: launch.clone(), start })
    }

    /// With how many processes so many cells that wait so long are done soonest: more wait less, and
    /// each has to be started first.
    pub(super) fn worth_starting(&self, cells: usize, wait: Duration) -> usize {
        let cells = u32::try_from(cells).unwrap_or(u32::MAX);
        let waits = wait.as_secs_f64() * f64::from(cells);
        // The sum of `waits / n` and `start * n` is least at the root of their quotient.
        let best = (waits / self.start.as_secs_f64().max(1e-3)).sqrt();
        // A float as large as that saturates.
        best.ceil() as usize
    }
}

/// The question that no honest stack can say yes to.
async fn refuse_nonsense(
    process: &mut ShimProcess,
    environment: &TestEnvironment,
) -> Result<(), String> {
    let server = MockServer::builder()
        .authority(environment.authority().clone())
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
        timeout_ms: environment.timeout_ms(),
        query: "SELECT 1".to_owned(),
        sslmode: Some("nonsense".to_owned()),
        ..Connect::default()
    };
    // Twice as long as a cell may take: it is a JVM's first look at its driver.
    let answer =
        process.ask(&Request::Connect(Box::new(connect)), environment.deadline() * 2).await;
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
                Ok(())
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
