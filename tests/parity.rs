//! The mock server beside a real PostgreSQL: the same clients, the same cells, the same traces.
//!
//! PostgreSQL is what `PGTLS_POSTGRES` names (a `bin` folder) or `tests/parity/install.sh` has
//! installed, and beside it the machine's own. `PGTLS_PARITY=all` asks every cell that a real
//! server can show; without it, each client is asked a part that holds every server behaviour.

#[path = "parity/cluster.rs"]
mod cluster;
#[path = "support/installed.rs"]
mod installed;
#[path = "parity/log.rs"]
mod log;
mod support;

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher},
    sync::Arc,
    time::Duration,
};

use pgtls::stacks::BuiltIn;
use pgtls_conformance::{
    Suite,
    axes::{Auth, Axes, Reply, ServerAxes, Sslmode, Sslnegotiation},
    runner::{ServerBehaviour, StackSpec, Subject, TestEnvironment},
    shim::{Answer, CONTRACT, ClientEnvironment, Launch, Outcome, Request, Response, ShimProcess},
};
use pgtls_mock_server::trace::Trace;
use tokio::{sync::Semaphore, task::JoinSet};

use self::cluster::{Cluster, Installation};

/// As many cells a client and server, unless all are asked for.
const CELLS: usize = 300;
/// How long a shim may take to start; an interpreter on a busy machine takes seconds.
const HELLO: Duration = Duration::from_secs(30);
/// How long the mock server waits for connections that a client left open.
const GRACE: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn the_mock_server_and_postgresql_show_clients_the_same() {
    let installations = Installation::all();
    if !installations.iter().any(|found| found.major >= 18) {
        installed::skip(
            "PostgreSQL 18 is not installed (sh tests/parity/install.sh, or PGTLS_POSTGRES=its bin folder)",
        );
    }
    let mut specs: Vec<StackSpec> = BuiltIn::ALL.map(support::spec).into();
    specs.extend(installed::stack("psycopg"));
    let environment = TestEnvironment::new(support::seed()).expect("a environment");
    // A client and its server keep one core busy between them.
    let cores = Arc::new(Semaphore::new(
        std::thread::available_parallelism().map_or(2, |cores| cores.get() + 1),
    ));
    let mut runs = JoinSet::new();
    for installation in &installations {
        for spec in &specs {
            let (installation, spec, environment) =
                (installation.clone(), spec.clone(), environment.clone());
            let cores = Arc::clone(&cores);
            runs.spawn(async move {
                let _core = cores.acquire_owned().await.expect("an open semaphore");
                compare(&installation, &spec, &environment).await
            });
        }
    }
    let mut differences = Vec::new();
    while let Some(run) = runs.join_next().await {
        differences.extend(run.expect("a comparison"));
    }
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
}

/// Asks one client the same of both servers; what differs, in words.
async fn compare(
    installation: &Installation,
    spec: &StackSpec,
    environment: &TestEnvironment,
) -> Vec<String> {
    let subject = Subject::probe(spec, environment).await;
    if let Some(reason) = subject.could_not_run() {
        installed::skip(&format!("{}: {reason}", spec.name()));
        return Vec::new();
    }
    let cells = chosen(installation, |axes| subject.supports(axes));
    let _ = subject.settle().await;
    // The same for all cells but for the user, who follows the access rule.
    let password = environment.secrets("parity", &Axes::default()).password;
    let mut cluster = Cluster::start(installation, &password).await;
    let mut client = Client::new(spec.launch().expect("a launch").clone());
    let mut differences = Vec::new();
    for axes in &cells {
        let shown = show(&mut cluster, &mut client, environment, axes).await;
        let [mock, real] = if installation.tells_negotiation() {
            shown
        } else {
            shown.map(|seen| Seen { trace: log::without_negotiation(&seen.trace), ..seen })
        };
        if !mock.is_like(&real) {
            let name = spec.name();
            differences.push(format!(
                "{name}:{axes}\n  PostgreSQL {}: {real}\n  mock server: {mock}",
                installation.version
            ));
        }
    }
    client.stop().await;
    eprintln!(
        "{} at PostgreSQL {}: {} cells, {} differ",
        spec.name(),
        installation.version,
        cells.len(),
        differences.len()
    );
    // Every tokio-postgres lacks three modes, the oldest psql three options.
    assert!(cells.len() >= 250, "{} has only {} cells to share", spec.name(), cells.len());
    differences
}

/// What one server saw and the client said of one cell.
#[derive(Debug)]
struct Seen {
    trace: Trace,
    said: Said,
}

/// A client's answer.
#[derive(Debug)]
struct Said {
    /// What must be the same at both servers.
    outcome: String,
    /// What they may word as they like.
    error: String,
}

impl Seen {
    fn is_like(&self, other: &Self) -> bool {
        self.trace == other.trace && self.said.outcome == other.said.outcome
    }
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { trace, said: Said { outcome, error } } = self;
        write!(f, "{trace} ({outcome}{}{error})", if error.is_empty() { "" } else { ": " })
    }
}

/// One cell at the mock server, then at PostgreSQL.
async fn show(
    cluster: &mut Cluster,
    client: &mut Client,
    environment: &TestEnvironment,
    axes: &Axes,
) -> [Seen; 2] {
    let secrets = environment.secrets("parity", axes);
    let client_environment = environment.client_environment(axes).expect("an environment");
    let server =
        environment.serve(&ServerBehaviour::of(axes), &secrets).await.expect("a mock server");
    let at_mock = environment.connect(axes, &secrets, &server, client.id()).expect("a request");
    let mut at_real = at_mock.clone();

    let said = client
        .ask(&client_environment, Request::Connect(Box::new(at_mock)), environment.deadline())
        .await;
    let mock = Seen { trace: server.finish(GRACE).await.trace, said };

    cluster.set(&axes.server, environment.authority()).await;
    at_real.port = cluster.address().port();
    at_real.hostaddr = Some(cluster.address().ip().to_string());
    at_real.user = cluster::user(&axes.server, &at_real.user).to_owned();
    at_real.id = client.id();
    let query = at_real.query.clone();
    let said = client
        .ask(&client_environment, Request::Connect(Box::new(at_real)), environment.deadline())
        .await;
    [mock, Seen { trace: cluster.trace(&query).await, said }]
}

/// A client's processes, one for each environment that a cell needs.
struct Client {
    launch: Launch,
    processes: HashMap<ClientEnvironment, ShimProcess>,
    asked: u64,
}

impl Client {
    fn new(launch: Launch) -> Self {
        Self { launch, processes: HashMap::new(), asked: 0 }
    }

    fn id(&mut self) -> u64 {
        self.asked += 1;
        self.asked
    }

    async fn ask(
        &mut self,
        client_environment: &ClientEnvironment,
        request: Request,
        deadline: Duration,
    ) -> Said {
        if !self.processes.contains_key(client_environment) {
            let mut process = ShimProcess::start(&self.launch, client_environment).expect("a shim");
            process.ask(&Request::Hello { contract: CONTRACT }, HELLO).await.expect("a hello");
            self.processes.insert(client_environment.clone(), process);
        }
        let process = self.processes.get_mut(client_environment).expect("the process just started");
        let (outcome, error) = match process.ask(&request, deadline).await {
            Ok(Response::Result(Answer { outcome, .. })) => match outcome {
                Outcome::Connected { tls, rows } => {
                    (format!("connected, tls {tls:?}, {rows:?}"), String::new())
                }
                Outcome::Failed { error } => ("failed".to_owned(), error.message),
                Outcome::Unsupported { reason } => ("unsupported".to_owned(), reason),
            },
            Ok(Response::Hello(_)) => ("a hello".to_owned(), String::new()),
            Err(error) => {
                if let Some(process) = self.processes.remove(client_environment) {
                    process.kill().await;
                }
                ("no answer".to_owned(), error.to_string())
            }
        };
        Said { outcome, error }
    }

    async fn stop(self) {
        for process in self.processes.into_values() {
            process.kill().await;
        }
    }
}

/// Cells that a real server can show and a client supports, those of one server behaviour
/// together: all of them, or so many that every server behaviour has its turn.
fn chosen(installation: &Installation, supported: impl Fn(&Axes) -> bool) -> Vec<Axes> {
    let cells = Suite::Full.cells().into_iter().chain(Suite::Cancel.cells());
    let mut cells: Vec<Axes> =
        cells.filter(|axes| is_shared(axes, installation) && supported(axes)).collect();
    let all = std::env::var_os("PGTLS_PARITY").is_some_and(|wanted| wanted == "all");
    if !all {
        // By chance, and by the same chance every time.
        cells.sort_by_key(|axes| {
            BuildHasherDefault::<DefaultHasher>::default().hash_one(axes.to_string())
        });
        let mut turns: HashMap<ServerAxes, usize> = HashMap::new();
        let mut in_turn: Vec<(usize, Axes)> = Vec::new();
        for axes in cells {
            let turn = turns.entry(axes.server).or_default();
            *turn += 1;
            in_turn.push((*turn, axes));
        }
        in_turn.sort_by_key(|(turn, _)| *turn);
        cells = in_turn.into_iter().take(CELLS).map(|(_, axes)| axes).collect();
    }
    cells.sort_by_cached_key(|axes| Axes { server: axes.server, ..Axes::default() }.to_string());
    cells
}

fn is_shared(axes: &Axes, installation: &Installation) -> bool {
    let honest = matches!(axes.server.reply, Reply::Accept | Reply::Refuse);
    // PostgreSQL cannot be kept from offering PLUS over TLS.
    let can_be_offered = axes.server.auth != Auth::ScramSha256
        || axes.server.reply == Reply::Refuse
        || axes.sslmode == Sslmode::Disable;
    let negotiable =
        axes.sslnegotiation == Sslnegotiation::Postgres || installation.tells_negotiation();
    honest && can_be_offered && negotiable
}
