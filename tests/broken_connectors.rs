//! Connectors that are broken on purpose, one for each invariant and for rules that guard one: each is
//! found out, and the same connector without a fault is not.

#[path = "broken_connectors/client/mod.rs"]
mod client;
#[path = "broken_connectors/provoked.rs"]
mod provoked;
mod support;

use std::time::Instant;

use client::{Client, Fault};
use pgtls_conformance::{
    axes::Axes,
    fuzz::{Finding, Hunt, Hunted, Limits, Progress},
    judge::Invariant,
    runner::{CellRun, ServerBehaviour, StackSpec, Subject, TestEnvironment},
    sweep,
};
use pgtls_mock_server::Seed;
use provoked::Provoked;
use tokio::sync::Notify;

fn environment() -> TestEnvironment {
    TestEnvironment::new(support::seed()).expect("an environment")
}

async fn subject(client: Client, environment: &TestEnvironment) -> Subject<'_> {
    let stack = StackSpec::in_process("test-connector", client);
    let subject = Subject::probe(&stack, environment).await;
    assert_eq!(subject.could_not_run(), None);
    subject
}

fn told(run: &CellRun) -> String {
    format!("{}: {:?} {:?}", run.result.id, run.result.observed, run.result.reason)
}

#[tokio::test]
async fn the_right_connector_logs_in_by_every_honest_way() {
    let environment = environment();
    let subject = subject(Client::right(), &environment).await;
    let logins = sweep::logins(|axes| subject.supports(axes));
    assert_eq!(logins.len(), 23, "it can be asked for everything");
    for axes in logins {
        let run = subject.try_server(&axes, &ServerBehaviour::of(&axes), &[]).await;
        let observed = run.result.observed.as_ref().expect("seen");
        let connected = observed.outcome().known().is_some_and(|outcome| outcome.is_connected());
        assert!(
            connected && observed.error.is_none() && run.result.safety.is_empty(),
            "{}",
            told(&run)
        );
    }
}

/// As many hostile servers as the right connector meets here.
const SCENARIOS: u64 = 5000;

#[tokio::test]
async fn the_right_connector_breaks_nothing_over_thousands_of_scenarios() {
    let environment = environment();
    let subject = subject(Client::right(), &environment).await;
    let hunted = hunt(&subject, environment.seed(), SCENARIOS).await;
    let told: Vec<String> = hunted.findings.iter().map(Finding::summary).collect();
    assert_eq!(told, [""; 0]);
    assert_eq!((hunted.scenarios, hunted.unstable), (SCENARIOS, 0));
    // It is no wall: it goes where the way is open.
    assert!(hunted.handshakes > SCENARIOS / 20, "{} handshakes", hunted.handshakes);
}

async fn hunt(subject: &Subject<'_>, seed: Seed, cases: u64) -> Hunted {
    let limits = Limits { cases: Some(cases), ..Limits::default() };
    let mut hunted = Hunted::default();
    Hunt::new(subject, seed, limits).run(&mut hunted, &mut |_, _| {}).await;
    hunted
}

/// As many hostile servers each broken connector meets at most; the seed is fixed, so that the number is.
const FOUND_WITHIN: u64 = 3000;

/// The first scenario that breaks this invariant.
async fn first_to_break(subject: &Subject<'_>, invariant: Invariant) -> Option<u64> {
    let limits = Limits { cases: Some(FOUND_WITHIN), ..Limits::default() };
    let (mut hunted, met) = (Hunted::default(), Notify::new());
    let mut first = None;
    let mut tell = |_: &Hunted, progress: Progress<'_>| {
        if let Progress::Suspected(case, broken) = progress
            && broken.contains(&invariant)
        {
            first.get_or_insert(case);
            met.notify_one();
        }
    };
    let hunt = Hunt::new(subject, Seed::new(8), limits);
    tokio::select! {
        () = hunt.run(&mut hunted, &mut tell) => {}
        // To make it small is not what is asked here.
        () = met.notified() => {}
    }
    first
}

#[tokio::test]
async fn the_fuzzer_finds_every_fault() {
    let environment = environment();
    let mut missed = Vec::new();
    for fault in Fault::ALL {
        let started = Instant::now();
        let broken = subject(Client::broken(fault), &environment).await;
        let first = first_to_break(&broken, fault.breaks()).await;
        eprintln!("{fault:?}: {first:?}, {:.1} s", started.elapsed().as_secs_f64());
        if first.is_none() {
            missed.push(fault);
        }
    }
    assert_eq!(missed, [], "not found within {FOUND_WITHIN}");
}

/// More than are under way at once, so that what was learnt of the client steers what is drawn.
const STEERED: u64 = 4000;

#[tokio::test]
async fn the_same_seed_finds_the_same_however_many_run_side_by_side() {
    let environment = environment();
    let mut all = Vec::new();
    for jobs in [1, 2, 16] {
        let broken = Client::broken(Fault::SkipsTheName);
        let subject = subject(broken, &environment).await.with_jobs(jobs);
        let hunted = hunt(&subject, Seed::new(3), STEERED).await;
        let corpus: Vec<String> = hunted.corpus.iter().map(ToString::to_string).collect();
        let found: Vec<String> =
            hunted.findings.iter().map(|it| format!("{}: {}", it.case, it.summary())).collect();
        assert!(!corpus.is_empty() && !found.is_empty(), "{jobs}: {hunted:?}");
        all.push((hunted.handshakes, corpus, found));
    }
    assert!(all[1] == all[0] && all[2] == all[0], "{all:?}");
}

#[tokio::test]
async fn every_fault_shows_before_a_server_that_provokes_it_and_the_right_connector_withstands() {
    let environment = environment();
    let right = subject(Client::right(), &environment).await;
    for fault in Fault::ALL {
        let Provoked { axes, server } = provoked::by(fault);
        let broken = subject(Client::broken(fault), &environment).await;
        let run = broken.try_server(&axes, &server, &[]).await;
        let broken = &run.result.safety;
        assert!(broken.contains(&fault.breaks()), "{fault:?}: {broken:?} {}", told(&run));
        let run = right.try_server(&axes, &server, &[]).await;
        assert_eq!(run.result.safety, [], "{fault:?}: {}", told(&run));
    }
}

#[tokio::test]
async fn a_fault_is_the_only_difference() {
    let environment = environment();
    let server: Axes = Axes::default();
    for fault in Fault::ALL {
        let broken = subject(Client::broken(fault), &environment).await;
        let run = broken.try_server(&server, &ServerBehaviour::of(&server), &[]).await;
        let observed = run.result.observed.as_ref().expect("seen");
        assert_eq!(observed.trace().to_string(), "connect, sslaccept, authok -> ssl", "{fault:?}");
        assert!(
            observed.error.is_none() && run.result.safety.is_empty(),
            "{fault:?}: {}",
            told(&run)
        );
    }
}

#[test]
fn there_is_a_fault_for_every_invariant() {
    for invariant in Invariant::ALL {
        let breaks = |fault: &Fault| fault.breaks() == invariant;
        assert!(Fault::ALL.iter().any(breaks), "{invariant}: nothing breaks it");
    }
    assert!(Fault::ALL.len() >= 16);
}
