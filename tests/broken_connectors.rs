//! Connectors that are broken on purpose, one for each invariant and for rules that guard one: each is
//! found out, and the same connector without a fault is not.

#[path = "broken_connectors/client/mod.rs"]
mod client;
#[path = "broken_connectors/provoked.rs"]
mod provoked;
mod support;

use client::{Client, Fault};
use pgtls_conformance::{
    axes::Axes,
    fuzz::{Finding, Hunt, Hunted, Limits},
    judge::Invariant,
    runner::{CellRun, ServerBehaviour, StackSpec, Subject, TestEnvironment},
    sweep,
};
use pgtls_mock_server::Seed;
use provoked::Provoked;

fn environment() -> TestEnvironment {
    TestEnvironment::new(support::seed()).expect("an environment")
}

async fn subject(client: Client, environment: &TestEnvironment) -> Subject<'_> {
    let stack = StackSpec::in_process("test-connector", client);
    let subject = Subject::probe(&stack, environment).await;
    assert_eq!(subject.could_not_run(), None);
    subject
}

fn ids(run: &CellRun) -> Vec<&'static str> {
    run.result.safety.iter().map(|invariant| invariant.id()).collect()
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
        assert!(connected && observed.error.is_none() && ids(&run).is_empty(), "{}", told(&run));
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

#[tokio::test]
async fn every_fault_shows_before_a_server_that_provokes_it_and_the_right_connector_withstands() {
    let environment = environment();
    let right = subject(Client::right(), &environment).await;
    for fault in Fault::ALL {
        let Provoked { axes, server } = provoked::by(fault);
        let broken = subject(Client::broken(fault), &environment).await;
        let run = broken.try_server(&axes, &server, &[]).await;
        assert!(ids(&run).contains(&fault.breaks()), "{fault:?}: {:?} {}", ids(&run), told(&run));
        let run = right.try_server(&axes, &server, &[]).await;
        assert_eq!(ids(&run), [""; 0], "{fault:?}: {}", told(&run));
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
        assert!(observed.error.is_none() && ids(&run).is_empty(), "{fault:?}: {}", told(&run));
    }
}

#[test]
fn there_is_a_fault_for_every_invariant() {
    for invariant in Invariant::ALL {
        let breaks = |fault: &Fault| fault.breaks() == invariant.id();
        assert!(Fault::ALL.iter().any(breaks), "{invariant}: nothing breaks it");
    }
    assert!(Fault::ALL.len() >= 16);
}
