//! The mock server's own speed: connections per second, and how soon a server is there.
//!
//! `connections` measures the time for each of many sessions: TCP connection, SSLRequest, full TLS 1.3 handshake
//! verified against the root (P-256, no resumption), login by cleartext password, one query, goodbye; eight at a
//! time, client and server together on two threads. `tokio-postgres` has a server and four clients on each thread,
//! in a runtime of its own, as in `#[tokio::test]`; `tokio-postgres-shared` has one server and eight clients in one
//! runtime of both threads, as in the matrix. Beside them stand rustls handshakes in memory on two threads, with the
//! same provider, certificate, verification and version. They take turns, so that a noisy machine spoils all: only
//! the ratio within a turn means something.
//!
//! `start` measures a server with an authority of its own, in this process and as the first thing that a
//! new process does, and a listener for a further cell of an authority that is there.

mod support {
    pub(crate) mod in_memory;
    pub(crate) mod query;
    pub(crate) mod session;
    pub(crate) mod threads;
    pub(crate) mod tls;
}

use std::{
    array, env,
    hint::black_box,
    process::Command,
    sync::{
        Arc, Barrier,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use pgtls_mock_server::{MockServer, axes::TlsVersions, pki::Authority};
use rustls::{ClientConfig, HandshakeKind, ServerConfig, crypto::aws_lc_rs};
use support::{
    in_memory, session,
    threads::{THREADS, on_all_threads},
    tls,
};
use tokio::{runtime::Runtime, task::JoinSet};
use tokio_postgres::{Config, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Sessions at a time.
const AT_A_TIME: usize = 8;
/// How often sessions and handshakes take turns: often and briefly, so that both meet the same noise.
const TURNS: usize = 25;
const VERSION: TlsVersions = TlsVersions::Tls13;
/// With this argument the program starts one server, prints how many nanoseconds it took, and ends.
const START_ONCE: &str = "--start-once";

fn main() {
    if env::args().any(|argument| argument == START_ONCE) {
        let (_server, took) = runtime().block_on(start(None));
        println!("{}", took.as_nanos());
        return;
    }
    let mut criterion = Criterion::default().without_plots().configure_from_args();
    connections(&mut criterion);
    starts(&mut criterion);
    criterion.final_summary();
}

fn connections(criterion: &mut Criterion) {
    let runtime = runtime();
    let authority = Authority::generate().expect("an authority");
    let provider = Arc::new(aws_lc_rs::default_provider());
    let client = tls::rustls_client(&provider, &authority, VERSION, false);
    let in_memory_client = Arc::new(client.clone());
    let in_memory_server = in_memory::server(&authority, VERSION, false);
    let connector = MakeRustlsConnect::new(client);
    let server = runtime.block_on(serve(&authority));
    let config = session::config(&server, SslMode::Require);

    let mut group = criterion.benchmark_group("connections");
    group
        .throughput(Throughput::Elements(1))
        .sampling_mode(SamplingMode::Flat)
        .sample_size(10)
        .nresamples(5_000)
        .warm_up_time(Duration::from_millis(30))
        .measurement_time(Duration::from_millis(300));
    for turn in 1..=TURNS {
        group.bench_function(BenchmarkId::new("in-memory", turn), |bencher| {
            bencher.iter_custom(|count| handshakes(&in_memory_client, &in_memory_server, count));
        });
        group.bench_function(BenchmarkId::new("tokio-postgres", turn), |bencher| {
            bencher.iter_custom(|count| sessions_by_thread(&authority, &connector, count));
        });
        group.bench_function(BenchmarkId::new("tokio-postgres-shared", turn), |bencher| {
            bencher
                .iter_custom(|count| runtime.block_on(sessions_shared(&config, &connector, count)));
        });
    }
    group.finish();
}

/// How long `count` handshakes take on all threads.
fn handshakes(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>, count: u64) -> Duration {
    on_all_threads(count, || {
        assert_eq!(in_memory::handshake(client, server), HandshakeKind::Full);
    })
}

/// How long `count` sessions take where each thread has its own runtime, server and clients.
fn sessions_by_thread(
    authority: &Authority,
    connector: &MakeRustlsConnect,
    count: u64,
) -> Duration {
    let taken = Arc::default();
    let ready = Barrier::new(THREADS + 1);
    let serve_and_connect = || {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let server = runtime.block_on(serve(authority));
        let config = session::config(&server, SslMode::Require);
        ready.wait();
        runtime.block_on(sessions(AT_A_TIME / THREADS, &config, connector, &taken, count));
        Instant::now()
    };
    thread::scope(|scope| {
        let threads: [_; THREADS] = array::from_fn(|_| scope.spawn(serve_and_connect));
        ready.wait();
        let begin = Instant::now();
        let ends = threads.map(|thread| thread.join().expect("no panic"));
        ends.into_iter().map(|end| end - begin).max().unwrap_or_default()
    })
}

/// How long `count` sessions take in one runtime of all threads.
async fn sessions_shared(config: &Config, connector: &MakeRustlsConnect, count: u64) -> Duration {
    let begin = Instant::now();
    sessions(AT_A_TIME, config, connector, &Arc::default(), count).await;
    begin.elapsed()
}

/// So many clients that have one session after the other, until `count` are taken.
async fn sessions(
    clients: usize,
    config: &Config,
    connector: &MakeRustlsConnect,
    taken: &Arc<AtomicU64>,
    count: u64,
) {
    let mut tasks = JoinSet::new();
    for _ in 0..clients {
        let (taken, config, connector) = (Arc::clone(taken), config.clone(), connector.clone());
        tasks.spawn(async move {
            while taken.fetch_add(1, Ordering::Relaxed) < count {
                session::run(&config, connector.clone()).await;
            }
        });
    }
    tasks.join_all().await;
}

async fn serve(authority: &Authority) -> MockServer {
    let builder = MockServer::builder().authority(authority.clone());
    builder.key(tls::KEY).tls(VERSION).start().await.expect("a server")
}

fn starts(criterion: &mut Criterion) {
    let runtime = runtime();
    let mut group = criterion.benchmark_group("start");
    group
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2));
    group.bench_function("authority", |bencher| {
        bencher.iter_custom(|count| runtime.block_on(total(count, async || start(None).await.1)));
    });
    let authority = Authority::generate().expect("an authority");
    drop(runtime.block_on(start(Some(&authority))));
    group.bench_function("listener", |bencher| {
        let further = async || start(Some(&authority)).await.1;
        bencher.iter_custom(|count| runtime.block_on(total(count, &further)));
    });
    group.sampling_mode(SamplingMode::Flat).bench_function("new-process", |bencher| {
        bencher.iter_custom(|count| (0..count).map(|_| start_in_new_process()).sum());
    });
    group.finish();
}

async fn total(count: u64, measure: impl AsyncFn() -> Duration) -> Duration {
    let mut total = Duration::ZERO;
    for _ in 0..count {
        total += measure().await;
    }
    total
}

/// A server, and how long it took until it listened; its end is not part of that.
async fn start(authority: Option<&Authority>) -> (MockServer, Duration) {
    let begin = Instant::now();
    let mut builder = MockServer::builder().key(tls::KEY);
    if let Some(authority) = authority {
        builder = builder.authority(authority.clone());
    }
    let server = builder.start().await.expect("a server");
    let took = begin.elapsed();
    (black_box(server), took)
}

fn start_in_new_process() -> Duration {
    let program = env::current_exe().expect("a path");
    let output = Command::new(program).arg(START_ONCE).output().expect("a child");
    let nanoseconds = String::from_utf8_lossy(&output.stdout).trim().parse().expect("a number");
    Duration::from_nanos(nanoseconds)
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()
        .expect("a runtime")
}
