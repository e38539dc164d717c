//! The first questions to a stack: who is it, does it say no to nonsense, and does an honest
//! connection work?

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use pgtls_mock_server::{MockServer, trace, transcript::Observation};
use tokio::time::timeout;

use super::{
    busy_clock::BusyClock,
    cell::{Asked, Place, ask},
    driver::SharedDriver,
    environment::{TestEnvironment, TestEnvironmentError},
    means::Shortage,
    network::Network,
    pool::{HELLO_TIMEOUT, NoProcess},
    question::{Question, ServerBehaviour},
    spec::{Client, StackSpec},
    stack::{ProbedStack, Ready, Unfit},
    support,
    virtual_time::{self, Lost},
};
use crate::{
    axes::{Axes, Sslmode, Sslrootcert},
    judge::Secrets,
    reference::Version,
    results::CellResult,
    shim::{
        Answer, CONTRACT, Connect, Launch, Outcome, Request, Response, RootStore, ShimError,
        ShimProcess,
    },
    words::with_causes,
};

/// The nonsense question's id: no cell's, and a number in every language.
const NONSENSE: u64 = i32::MAX as u64;
/// The honest questions' numbers: no cell's either, one for each mode.
const HONEST: usize = i32::MAX as usize - 100;

impl ProbedStack {
    /// Starts the stack, asks who it is, and sees that it says no to nonsense.
    pub(super) async fn probe(spec: &StackSpec, place: Place<'_>) -> Self {
        let started = Instant::now();
        let ready = match spec.client() {
            Ok(Client::Process(launch)) => interrogate(spec.name(), launch, place).await,
            Ok(Client::InProcess(driver)) => introduce(driver, place.environment).await,
            Err(reason) => Err(reason.clone().into()),
        };
        Self { name: spec.name().to_owned(), ready: believe(place.environment, ready, started) }
    }

    /// Probes it, and sees that an honest connection works in at least one of its modes. Where none
    /// does, whatever else it did would be judged by a mistake.
    pub(super) async fn probe_and_connect(spec: &StackSpec, place: Place<'_>) -> Self {
        let mut stack = Self::probe(spec, place).await;
        let started = Instant::now();
        if stack.ready.is_ok()
            && let Err(reason) = stack.connects(place).await
        {
            stack.ready = believe(place.environment, Err(reason), started);
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
                let has_root = supports.sslrootcert.iter().any(|root| *root == RootStore::File);
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
        let server = ServerBehaviour::of(axes);
        let version = Version::default();
        let question = Question { axes, server: &server, fetch: &[], version, number };
        let run = match ask(place, self, question).await.map_err(Unfit::Short)? {
            Asked::Closed(run) => *run,
            Asked::Open(open, _) => open.close().await.map_err(Unfit::Short)?,
        };
        Ok(works(&run.result))
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

/// A stack's own reason, unless the tool was short of something since then: that may be it.
fn believe<T>(
    environment: &TestEnvironment,
    result: Result<T, Unfit>,
    since: Instant,
) -> Result<T, Unfit> {
    result.map_err(|unfit| environment.shortage_since(since).map_or(unfit, Unfit::Short))
}

/// Starts a process, and asks it the first two questions.
async fn interrogate(name: &str, launch: &Launch, place: Place<'_>) -> Result<Ready, Unfit> {
    let environment = place.environment;
    let client_environment = environment.bare_client_environment();
    let started = Instant::now();
    let mut checkout = match place.pool.born(launch, &client_environment).await {
        Ok(checkout) => checkout,
        Err(NoProcess::Broken(reason)) => return Err(reason.into()),
        Err(NoProcess::Short(shortage)) => return Err(Unfit::Short(shortage)),
    };
    let answer = checkout.process.ask(&Request::Hello { contract: CONTRACT }, HELLO_TIMEOUT).await;
    let start = started.elapsed();
    let hello = match answer.map_err(|error| with_causes(&error))? {
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
    Ok(Ready { hello, client: Client::Process(launch.clone()), start })
}

/// Asks a driver in this process the same.
async fn introduce(driver: &SharedDriver, environment: &TestEnvironment) -> Result<Ready, Unfit> {
    let (of_driver, of_environment) = (driver.clone(), environment.clone());
    let questions = async move |_| {
        let hello = of_driver.hello();
        let server = of_environment
            .serve_in_memory(&ServerBehaviour::default(), &secrets(&of_environment))
            .await
            .map_err(|error| no_server(&error))?;
        let dialer = server.dialer().ok_or("a server in memory without a dialer")?;
        let network = Network::in_memory(
            dialer,
            BusyClock::start(),
            of_environment.bare_client_environment(),
        );
        let request = nonsense(&server, &of_environment);
        let answer = of_driver.connect(&request, &network);
        let answer = timeout(of_environment.deadline(), answer).await;
        drop(network);
        let answer = answer.map_err(|_| ShimError::Deadline(of_environment.deadline()));
        refused(answer, &server.finish(Duration::ZERO).await)?;
        Ok::<_, String>(hello)
    };
    let hello = virtual_time::run(environment.workers(), questions, |hello, _| hello).await;
    match hello {
        Ok(hello) => {
            let client = Client::InProcess(driver.clone());
            Ok(Ready { hello: hello?, client, start: Duration::ZERO })
        }
        Err(lost @ Lost::NoThread(_)) => Err(Unfit::Short(Shortage::Other(lost.to_string()))),
        Err(lost) => Err(lost.to_string().into()),
    }
}

/// The question that no honest stack can say yes to.
async fn refuse_nonsense(
    process: &mut ShimProcess,
    environment: &TestEnvironment,
) -> Result<(), String> {
    let server = environment.serve(&ServerBehaviour::default(), &secrets(environment)).await;
    let server = server.map_err(|error| no_server(&error))?;
    let request = Request::Connect(Box::new(nonsense(&server, environment)));
    // Twice as long as a cell may take: it is a JVM's first look at its driver.
    let answer = process.ask(&request, environment.deadline() * 2).await;
    let seen = server.finish(Duration::ZERO).await;
    let answer = match answer {
        Ok(Response::Result(Answer { id, .. })) if id != NONSENSE => {
            return Err(dropped(&format!("it answered question {id}")));
        }
        Ok(Response::Result(Answer { outcome, .. })) => Ok(outcome),
        Ok(Response::Hello(_)) => return Err(dropped("it did not say no")),
        Err(error) => Err(error),
    };
    refused(answer, &seen)
}

fn nonsense(server: &MockServer, environment: &TestEnvironment) -> Connect {
    Connect {
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
    }
}

/// What the server of the nonsense question knows, and its client does not.
fn secrets(environment: &TestEnvironment) -> Secrets {
    environment.secrets("the nonsense question", &Axes::default())
}

/// Whether the stack said no to nonsense, before it connected.
fn refused(answer: Result<Outcome, ShimError>, seen: &Observation) -> Result<(), String> {
    match answer {
        Ok(Outcome::Failed { .. } | Outcome::Unsupported { .. }) => {
            if seen.connections.is_empty() {
                Ok(())
            } else {
                Err(dropped("it connected"))
            }
        }
        Ok(_) => Err(dropped("it did not say no")),
        Err(error) => Err(dropped(&format!("it gave no answer: {}", with_causes(&error)))),
    }
}

fn dropped(what: &str) -> String {
    format!("dropped: asked for sslmode=nonsense, {what}")
}

fn no_server(error: &TestEnvironmentError) -> String {
    format!("no server for the nonsense question: {}", with_causes(error))
}

/// The home that the user database names, which libpq up to 14 asks when HOME is not set.
fn real_home_has_libpq_files() -> bool {
    nix::unistd::User::from_uid(nix::unistd::Uid::current())
        .ok()
        .flatten()
        .is_some_and(|user| user.dir.join(".postgresql").exists())
}
