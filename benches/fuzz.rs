//! How many scenarios a fuzzer tries in a second, in this process, beside what a handshake costs by itself.
//!
//! A scenario is a cell of its own: a server with its script, a client, a transcript and a verdict. Scenarios
//! that end before TLS (`before-tls`) show what the machinery costs; those with a handshake and a whole session
//! (`login`) stand beside bare handshakes in memory (`in-memory`), with the same certificate and verification:
//! of the server's rustls with a client of rustls, and with one of native-tls. All of it runs on two
//! threads for drivers. They take turns, so that a noisy machine spoils all: only the ratio within a turn
//! means something.
//!
//! With `--cpu` the program prints how much processor time a scenario takes instead, user and system: a figure
//! that other work on the machine hardly moves.

mod support {
    pub(crate) mod in_memory;
    pub(crate) mod native;
    pub(crate) mod scenarios;
    pub(crate) mod threads;
    pub(crate) mod tls;
}

use std::{
    env,
    sync::Arc,
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike as _,
};
use pgtls_conformance::runner::{Subject, TestEnvironment};
use pgtls_mock_server::{Seed, axes::TlsVersions};
use rustls::{HandshakeKind, crypto::aws_lc_rs};
use support::{
    in_memory, native,
    scenarios::{self, BACKENDS, Scenario},
    threads::{THREADS, on_all_threads},
    tls,
};
use tokio::runtime::Runtime;

/// How often the functions take turns: often and briefly, so that all meet the same noise.
const TURNS: usize = 12;
/// What the mock server offers unless a script says otherwise: 1.3 is what is agreed on.
const VERSION: TlsVersions = TlsVersions::Tls13;
/// Jobs for each thread: while one waits for its next scenario, another has one.
const JOBS: usize = 2 * THREADS;
/// With this argument, processor time is printed.
const CPU: &str = "--cpu";
/// How many scenarios that figure is the mean of.
const MEASURED: u64 = 5_000;

fn main() {
    let runtime = runtime();
    let environment = TestEnvironment::new(Seed::new(8)).expect("an environment");
    let probed = BACKENDS.map(|stack| {
        let spec = scenarios::in_process(stack);
        let subject = runtime.block_on(Subject::probe(&spec, &environment)).with_jobs(JOBS);
        assert_eq!(subject.could_not_run(), None);
        (stack.name().trim_start_matches("pgtls/"), subject)
    });
    let [(_, rustls), (_, native)] = &probed;
    let mut subjects: Vec<(&str, Vec<&Subject<'_>>)> =
        probed.iter().map(|(name, subject)| (*name, vec![subject])).collect();
    subjects.push(("both", vec![rustls, native]));
    let bench = Bench { runtime, environment: &environment, subjects };
    if env::args().any(|argument| argument == CPU) {
        return bench.print_processor_time();
    }
    let mut criterion = Criterion::default().without_plots().configure_from_args();
    bench.measure(&mut criterion);
    criterion.final_summary();
}

struct Bench<'a> {
    runtime: Runtime,
    environment: &'a TestEnvironment,
    /// By what they are called.
    subjects: Vec<(&'static str, Vec<&'a Subject<'a>>)>,
}

/// What is done over and over.
type Task = Box<dyn Fn() + Sync>;

impl Bench<'_> {
    fn measure(&self, criterion: &mut Criterion) {
        let handshakes = self.handshakes();
        let kinds = kinds();
        let mut group = criterion.benchmark_group("fuzz");
        group
            .throughput(Throughput::Elements(1))
            .sampling_mode(SamplingMode::Flat)
            .sample_size(10)
            .nresamples(5_000)
            .warm_up_time(Duration::from_millis(30))
            .measurement_time(Duration::from_millis(300));
        for turn in 1..=TURNS {
            for (name, handshake) in &handshakes {
                let id = BenchmarkId::new(format!("in-memory-{name}"), turn);
                group.bench_function(id, |bencher| {
                    bencher.iter_custom(|count| on_all_threads(count, handshake));
                });
            }
            for (kind, scenarios) in &kinds {
                for (name, subjects) in &self.subjects {
                    let id = BenchmarkId::new(format!("{kind}-{name}"), turn);
                    group.bench_function(id, |bencher| {
                        bencher.iter_custom(|count| self.scenarios(subjects, scenarios, count));
                    });
                }
            }
        }
        group.finish();
    }

    /// How long so many scenarios take.
    fn scenarios(&self, subjects: &[&Subject<'_>], scenarios: &[Scenario], count: u64) -> Duration {
        let begin = Instant::now();
        self.runtime.block_on(scenarios::run(subjects, scenarios, count));
        begin.elapsed()
    }

    /// A bare handshake of each backend.
    fn handshakes(&self) -> Vec<(&'static str, Task)> {
        let authority = self.environment.authority();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let server = in_memory::server(authority, VERSION, false);
        let client = Arc::new(tls::rustls_client(&provider, authority, VERSION, false));
        let connector = native::client(authority);
        let served = Arc::clone(&server);
        vec![
            (
                "rustls",
                Box::new(move || {
                    assert_eq!(in_memory::handshake(&client, &served), HandshakeKind::Full);
                }),
            ),
            ("native-tls", Box::new(move || native::handshake(&connector, &server))),
        ]
    }

    fn print_processor_time(&self) {
        for (name, handshake) in &self.handshakes() {
            let spent = processor_time(|| {
                on_all_threads(MEASURED, handshake);
            });
            println!("{:>24} {spent:>8.1} µs", format!("in-memory-{name}"));
        }
        for (kind, scenarios) in &kinds() {
            for (name, subjects) in &self.subjects {
                let run = || self.scenarios(subjects, scenarios, MEASURED);
                run();
                let spent = processor_time(|| {
                    run();
                });
                println!("{:>24} {spent:>8.1} µs", format!("{kind}-{name}"));
            }
        }
    }
}

fn kinds() -> [(&'static str, Vec<Scenario>); 2] {
    [("before-tls", scenarios::before_tls()), ("login", scenarios::logins())]
}

/// How much processor time one of those that are measured takes, user and system, in microseconds.
fn processor_time(work: impl FnOnce()) -> f64 {
    let spent = || {
        let usage = getrusage(UsageWho::RUSAGE_SELF).expect("the process's own");
        usage.user_time().num_microseconds() + usage.system_time().num_microseconds()
    };
    let before = spent();
    work();
    (spent() - before) as f64 / MEASURED as f64
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()
        .expect("a runtime")
}
