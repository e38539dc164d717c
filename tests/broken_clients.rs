//! Clients with one fault each are found out under its right name, and an honest one is not.
//!
//! The client is `tests/clients`; its faults are its command line's words.

#[path = "broken_clients/honest.rs"]
mod honest;
#[path = "broken_clients/process.rs"]
mod process;
#[path = "broken_clients/questions.rs"]
mod questions;
#[path = "broken_clients/server_proof.rs"]
mod server_proof;
mod support;
#[path = "broken_clients/wire.rs"]
mod wire;

use std::{path::PathBuf, sync::Arc};

use pgtls_conformance::{
    Suite,
    axes::Sslmode,
    judge::{Conformance, Invariant},
    reference::Version,
    results::Results,
    runner::{self, Interrupt, Plan, StackSpec, TestEnvironment},
    shim::Launch,
};
use tokio::{
    sync::Semaphore,
    task::{JoinSet, LocalSet},
};

/// How many faults run side by side.
const SIDE_BY_SIDE: usize = 6;

/// The client, beside the directory of the test's own executable.
fn program() -> PathBuf {
    let own = std::env::current_exe().expect("the test's own path");
    let profile = own.parent().and_then(|deps| deps.parent()).expect("a profile's directory");
    let program = profile.join("examples/test-client");
    assert!(
        program.exists(),
        "no {}: build it by `cargo build --example test-client`",
        program.display()
    );
    program
}

/// The client with that fault; `marker` stands in its environment and in that of all that it starts.
fn client(fault: &str, marker: &str) -> StackSpec {
    let launch = Launch {
        program: program().into(),
        arguments: vec![fault.into()],
        variables: vec![("PGTLS_TEST_MARKER".into(), marker.into())],
    };
    StackSpec::process(fault, launch)
}

fn environment() -> TestEnvironment {
    TestEnvironment::new(support::seed()).expect("a environment")
}

/// All complaints of all checks, so many checks side by side.
async fn complaints_of<F: Future<Output = Vec<String>> + 'static>(
    checks: impl IntoIterator<Item = F>,
) -> Vec<String> {
    let places = Arc::new(Semaphore::new(SIDE_BY_SIDE));
    let here = LocalSet::new();
    let mut running = JoinSet::new();
    for check in checks {
        let places = Arc::clone(&places);
        running.spawn_local_on(
            async move {
                let _place = places.acquire().await.expect("nobody closes it");
                check.await
            },
            &here,
        );
    }
    let complaints = here.run_until(running.join_all()).await;
    assert!(!complaints.is_empty(), "nothing was checked");
    complaints.concat()
}

/// One cell's verdict, by its invariants' ids.
#[derive(Debug, PartialEq, Eq)]
struct Verdict {
    conformance: Conformance,
    safety: Vec<Invariant>,
}

fn verdict(conformance: Conformance, safety: &[Invariant]) -> Verdict {
    Verdict { conformance, safety: safety.to_vec() }
}

/// Those of them that burn what they can get until their deadline.
const NEVER_REST: [&str; 2] = ["loops-busily", "floods-stderr"];

/// Runs one cell a mode, one after the other by the same process where it lasts.
async fn run_modes(fault: &str, marker: &str, environment: &TestEnvironment) -> Results {
    run_plan(client(fault, marker), environment).await
}

async fn run_plan(stack: StackSpec, environment: &TestEnvironment) -> Results {
    let cells = "reply=accept,certificate=valid,key=p256,access=any,auth=password,tls=1.2-1.3,\
                 sslnegotiation=postgres,sslrootcert=right,host=localhost,channel-binding=prefer,client-cert=none";
    let plan = Plan {
        stacks: vec![stack],
        suite: Suite::Core,
        filters: vec![cells.parse().expect("a filter")],
        shard: None,
        version: Version::default(),
        jobs: 1,
    };
    runner::run(&plan, environment, &Interrupt::default()).await
}

/// What is wrong with a run in which `fault` shows under `require` alone.
fn complaints(fault: &str, expected: Conformance, results: &Results) -> Vec<String> {
    let mut wrong = Vec::new();
    if results.cells.len() != 7 {
        wrong.push(format!("{fault}: {} cells of 7, {:?}", results.cells.len(), results.stacks));
    }
    for cell in &results.cells {
        let shows = cell.axes.known().sslmode == Sslmode::Require;
        let wanted = if shows { expected } else { Conformance::Agrees };
        let invariant = match wanted {
            Conformance::Crash => vec![Invariant::Crash],
            Conformance::Hang => vec![Invariant::Hang],
            _ => Vec::new(),
        };
        let mut safety = cell.safety.clone();
        // How busy one is that never rests, the machine decides.
        safety.retain(|broken| *broken != Invariant::Busy || !NEVER_REST.contains(&fault));
        if cell.conformance != wanted || safety != invariant {
            wrong.push(format!(
                "{}: wanted {wanted}, got {} {:?}, {:?}",
                cell.id, cell.conformance, cell.safety, cell.reason
            ));
        }
    }
    wrong
}
