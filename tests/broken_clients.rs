//! Clients with one fault each are found out under its right name, and an honest one is not.
//!
//! The client is `tests/clients`; its faults are its command line's words.

mod support;
#[path = "broken_clients/wire.rs"]
mod wire;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use pgtls_conformance::{
    Cell, Suite,
    axes::Sslmode,
    judge::{Conformance, Invariant},
    reference::Version,
    results::Results,
    runner::{self, Interrupt, Plan, ServerBehaviour, StackSpec, Subject, TestEnvironment},
    shim::{ColumnType, Launch},
};
use pgtls_mock_server::{
    Seed,
    script::{self, Script},
    trace::Outcome,
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

#[tokio::test]
async fn each_fault_on_the_wire_is_found_under_its_name() {
    find(wire::faults()).await;
}

/// What is told of a fault is the same whatever the run: each is found twice, by two seeds.
#[tokio::test]
async fn each_fault_on_the_wire_is_shown_by_the_same_lines_in_every_run() {
    let environments = [environment(), environment()];
    let wrong = complaints_of(wire::faults().into_iter().map(|(fault, axes, expected)| {
        let environments = environments.clone();
        async move {
            let axes = axes.parse().expect("axes");
            let mut told = Vec::new();
            for environment in &environments {
                let subject = Subject::probe(&client(fault, "evidence"), environment).await;
                told.push(subject.try_to_the_end(&axes, &[]).await.result.evidence);
            }
            let shown: Vec<Invariant> = told[0]
                .iter()
                .filter(|evidence| !evidence.lines.is_empty())
                .map(|evidence| evidence.invariant)
                .collect();
            if shown == expected.safety && told[0] == told[1] {
                return Vec::new();
            }
            vec![format!("{fault} in {axes}: wanted {:?}, got {told:#?}", expected.safety)]
        }
    }))
    .await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The values of `--scram`, each a script of the catalogue, and what a client with a fault breaks.
#[tokio::test]
async fn a_server_that_proves_nothing_is_noticed_by_all_but_the_broken() {
    use Invariant::ServerUnproven;
    let environment = environment();
    for (fault, script, axes, safety) in [
        ("takes-any-signature", "wrong-signature", "default", &[ServerUnproven][..]),
        ("takes-any-signature", "error", "default", &[]),
        ("takes-any-signature", "honest", "default", &[]),
        ("takes-any-signature", "no-final", "default", &[]),
        ("takes-no-signature", "no-final", "default", &[]),
        ("takes-no-signature", "early-ok", "default", &[]),
        ("takes-no-signature", "wrong-signature", "default", &[]),
        ("honest", "wrong-signature", "default", &[]),
        ("honest", "early-ok", "default", &[]),
    ] {
        let name = format!("scram={script}");
        let script = script::all().into_iter().find(|named| named.name == name).expect(&name);
        let server = ServerBehaviour::scripted(script.script);
        let subject = Subject::probe(&client(fault, "scram"), &environment).await;
        let axes = axes.parse().expect("axes");
        let result = subject.try_server_to_the_end(&axes, &server, &[]).await.result;
        assert_eq!(result.safety, safety, "{fault} before {name}: {result:?}");
    }
}

/// Where the settings demand that the server prove itself, none is as bad as a wrong proof.
#[tokio::test]
async fn a_missing_proof_is_a_broken_one_where_binding_is_demanded() {
    let plus = |end: &str| {
        let startup = format!(
            r#"{{"connections": [{{"startup": [
                {{"send": [{{"authentication_sasl": {{"mechanisms": ["SCRAM-SHA-256-PLUS"]}}}}]}},
                {{"expect": "sasl_initial_response"}},
                {{"send": [{{"authentication_sasl_continue": {{
                    "data": "r={{client_nonce}}{{server_nonce}},s={{salt}},i=4096"
                }}}}]}},
                {{"expect": "sasl_response"}},
                {{"send": [{end}]}}
            ]}}]}}"#
        );
        ServerBehaviour::scripted(Script::from_json(&startup).expect("a script"))
    };
    let honest = r#"{"authentication_sasl_final": {"data": "v={server_signature}"}}, "welcome""#;
    let environment = environment();
    for (fault, end, safety) in [
        ("takes-no-signature", honest, &[][..]),
        ("takes-no-signature", r#""welcome""#, &[Invariant::ServerUnproven]),
        ("honest", r#""welcome""#, &[]),
    ] {
        let subject = Subject::probe(&client(fault, "plus"), &environment).await;
        let axes = "sslmode=require,channel-binding=require".parse().expect("axes");
        let result = subject.try_server_to_the_end(&axes, &plus(end), &[]).await.result;
        assert_eq!(result.safety, safety, "{fault}: {result:?}");
    }
}

async fn find(faults: Vec<(&'static str, &'static str, Verdict)>) {
    let environment = environment();
    let wrong = complaints_of(faults.into_iter().map(|(fault, axes, expected)| {
        let environment = environment.clone();
        async move {
            let axes = axes.parse().expect("axes");
            let subject = Subject::probe(&client(fault, "wire"), &environment).await;
            let observed = subject.try_to_the_end(&axes, &[]).await.result;
            let found = Verdict { conformance: observed.conformance, safety: observed.safety };
            if found == expected {
                return Vec::new();
            }
            let trace = observed.observed.map(|it| (it.trace().to_string(), it.error));
            let why = observed.reason;
            vec![format!("{fault} in {axes}:\n  wanted {expected:?}\n  got    {found:?}\n  of     {trace:?}, {why:?}")]
        }
    }))
    .await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every fault of a process, with the verdict of the one cell in which it shows.
const PROCESS_VICES: [(&str, Conformance); 26] = [
    ("hangs", Conformance::Hang),
    ("answers-late", Conformance::Hang),
    ("dies", Conformance::Crash),
    ("dies-afterwards", Conformance::Crash),
    ("dies-in-a-moment", Conformance::Crash),
    ("dies-later", Conformance::Crash),
    ("panics", Conformance::Crash),
    ("survives-panic", Conformance::Crash),
    ("prints-rubbish", Conformance::Crash),
    ("prints-other-json", Conformance::Crash),
    ("prints-rubbish-later", Conformance::Crash),
    ("leaves-half-a-line", Conformance::Crash),
    ("answers-twice", Conformance::Crash),
    ("answers-twice-later", Conformance::Crash),
    ("floods-answers", Conformance::Crash),
    ("floods-bytes", Conformance::Crash),
    ("wrong-id", Conformance::Crash),
    ("closes-stdin", Conformance::Crash),
    ("closes-stdout", Conformance::Crash),
    ("stops-listening", Conformance::Crash),
    ("loops-busily", Conformance::Hang),
    ("dies-within-its-answer", Conformance::Crash),
    ("closes-stdin-before-its-answer", Conformance::Crash),
    ("floods-stderr", Conformance::Hang),
    ("leaves-a-child", Conformance::Crash),
    ("leaves-a-daemon", Conformance::Hang),
];

/// Those of them that burn what they can get until their deadline.
const NEVER_REST: [&str; 2] = ["loops-busily", "floods-stderr"];

/// What a question costs counts, and what the first question alone costs does not.
#[tokio::test]
async fn a_question_that_costs_too_much_is_found_and_warming_up_is_not() {
    let environment = environment();
    for (fault, safety) in [
        ("works-hard", &[Invariant::Busy][..]),
        ("has-a-child-work-hard", &[Invariant::Busy]),
        ("takes-much-memory", &[Invariant::Memory]),
        ("warms-up", &[]),
    ] {
        let subject = Subject::probe(&client(fault, "cost"), &environment).await;
        let axes = "sslmode=require".parse().expect("axes");
        let result = subject.try_to_the_end(&axes, &[]).await.result;
        let found = verdict(result.conformance, &result.safety);
        assert_eq!(found, verdict(Conformance::Agrees, safety), "{fault}: {result:?}");
    }
}

/// Several questions are in flight to each process: what one does to its process costs itself alone, and
/// whoever waits on silence keeps nobody waiting.
#[tokio::test]
async fn questions_that_share_a_process_cost_one_another_nothing() {
    let environment = environment();
    for (fault, require) in [
        ("takes-several", verdict(Conformance::Agrees, &[])),
        ("takes-several-and-dies", verdict(Conformance::Crash, &[Invariant::Crash])),
        ("takes-several-and-hangs", verdict(Conformance::Hang, &[Invariant::Hang])),
    ] {
        let subject = Subject::probe(&client(fault, "several"), &environment).await.with_jobs(2);
        assert_eq!(subject.could_not_run(), None);
        let modes = ["disable", "prefer", "verify-full", "allow", "require"];
        let ask = async |number: usize| {
            let mode = modes[number % modes.len()];
            let reply = if number.is_multiple_of(8) { "reply=silent," } else { "" };
            let axes = format!("{reply}sslmode={mode},sslrootcert=right").parse().expect("axes");
            let server = ServerBehaviour::of(&axes);
            let fetch = [ColumnType::Int8, ColumnType::Text];
            let result = subject.try_server(&axes, &server, &fetch).await.result;
            let found = verdict(result.conformance, &result.safety);
            let agrees = verdict(Conformance::Agrees, &[]);
            let expected = if mode == "require" { &require } else { &agrees };
            (found != *expected).then(|| format!("{fault}: {}: {found:?} {result:?}", result.id))
        };
        let wrong: Vec<String> = join_all((0..60).map(ask)).await.into_iter().flatten().collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        subject.settle().await;
    }
}

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

#[tokio::test]
async fn each_fault_of_a_process_costs_its_own_cell_and_few_deadlines() {
    let environment = environment();
    let bare = [("leaves-a-bare-daemon", Conformance::Hang)];
    let wrong = complaints_of(PROCESS_VICES.into_iter().chain(bare).map(|(fault, expected)| {
        let environment = environment.clone();
        async move {
            let marker = format!("{fault}-{}", environment.seed());
            let started = Instant::now();
            let results = run_modes(fault, &marker, &environment).await;
            let took = started.elapsed();
            let mut wrong = complaints(fault, expected, &results);
            // What burns the processor is asked again, behind an honest question.
            let deadlines = if NEVER_REST.contains(&fault) { 4 } else { 1 };
            if took > environment.deadline() * (deadlines + 1) {
                wrong.push(format!("{fault}: took {took:?}, more than {deadlines} deadlines"));
            }
            if !is_gone(&marker).await {
                wrong.push(format!("{fault}: it left a process running"));
            }
            wrong
        }
    }))
    .await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An orphan with a session and an environment of its own is no trace of anybody's to a runner that
/// shares its program with others; the command line takes in all.
#[tokio::test]
async fn what_a_dead_client_left_behind_ends_with_the_program() {
    let marker = format!("leaves-an-orphan-{}", Seed::random());
    let shim = format!("env PGTLS_TEST_MARKER={marker} '{}' leaves-an-orphan", program().display());
    let run = tokio::process::Command::new(support::PROGRAM)
        .args(["run", "--shim", &shim, "--sslmode", "require"])
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(Duration::from_secs(60), run).await.expect("in time");
    let output = output.expect("the program");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains("conformance: crash"), "{told}");
    assert!(is_gone(&marker).await, "it left a process running");
}

#[tokio::test]
async fn a_fault_behind_the_last_answer_is_found_too() {
    let environment = environment();
    let faults = [
        "answers-twice",
        "leaves-half-a-line",
        "closes-stdin",
        "survives-panic",
        "prints-rubbish-at-the-end",
        "dies-in-a-moment",
        "dies-at-the-end",
        "fails-at-the-end",
    ];
    let wrong = complaints_of(faults.map(|fault| {
        let environment = environment.clone();
        async move {
            let subject = Subject::probe(&client(fault, "last"), &environment).await;
            let cell: Cell = format!("{fault}:sslmode=require").parse().expect("a cell");
            let axes = cell.axes.clone();
            let result = subject.try_to_the_end(&axes, &[]).await.result;
            let found = verdict(result.conformance, &result.safety);
            let reason = result.reason.clone().unwrap_or_default();
            // What no two runs share is no part of it.
            let number = environment.secrets(&cell.to_string(), &cell.axes).number.to_string();
            let crash = verdict(Conformance::Crash, &[Invariant::Crash]);
            if found == crash && !reason.is_empty() && !reason.contains(&number) {
                return Vec::new();
            }
            vec![format!("{fault}: got {found:?}, {:?}", result.reason)]
        }
    }))
    .await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Its processes are asked again long before it leaks: what comes late belongs to the cell whose server
/// it comes to.
#[tokio::test]
async fn what_leaks_behind_an_answer_is_found_in_its_own_cell() {
    let environment = environment();
    let refused =
        "reply=refuse,certificate=valid,key=p256,access=any,auth=password,sslnegotiation=postgres";
    let plan = Plan {
        stacks: vec![client("leaks-behind-its-answer", "late")],
        suite: Suite::Core,
        filters: vec![refused.parse().expect("a filter")],
        shard: None,
        version: Version::default(),
        jobs: 4,
    };
    let results = runner::run(&plan, &environment, &Interrupt::default()).await;
    assert_eq!(results.cells.len(), 7, "{:?}", results.stacks);
    for cell in &results.cells {
        let demands_tls = matches!(
            cell.axes.known().sslmode,
            Sslmode::Require | Sslmode::VerifyCa | Sslmode::VerifyFull
        );
        let leaks = [Invariant::PlaintextPassword, Invariant::PlaintextStartup];
        let expected: &[Invariant] = if demands_tls { &leaks } else { &[] };
        assert_eq!(cell.safety, expected, "{}: {:?}", cell.id, cell.observed);
    }
}

#[tokio::test]
async fn a_client_that_never_connects_is_not_run_and_says_why_itself() {
    let environment = environment();
    let results = run_modes("never-connects", "never", &environment).await;
    assert_eq!(results.cells, []);
    let told = results.stacks[0].could_not_run.as_deref().unwrap_or_default();
    assert!(told.starts_with("no honest connection works: "), "{told}");
    assert!(told.ends_with("unexpected keyword argument 'hots'"), "{told}");
}

/// Whether no process has that marker; those that were killed may take a moment to be gone.
async fn is_gone(marker: &str) -> bool {
    let variable = format!("PGTLS_TEST_MARKER={marker}\0");
    let is_there = || {
        std::fs::read_dir("/proc").into_iter().flatten().flatten().any(|entry| {
            std::fs::read(entry.path().join("environ")).is_ok_and(|variables| {
                variables.windows(variable.len()).any(|window| window == variable.as_bytes())
            })
        })
    };
    let until = Instant::now() + Duration::from_secs(2);
    while is_there() {
        if Instant::now() > until {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    true
}

#[tokio::test]
async fn a_cell_without_a_process_is_a_crash_with_an_observation() {
    let folder = tempfile::tempdir().expect("a folder");
    let started = folder.path().join("started");
    // The second process says why it cannot, in words that no two runs share.
    let script = format!(
        "if [ -e '{0}' ]; then echo \"no place in $HOME\" >&2; exit 3; fi; : > '{0}'; exec '{1}' dies",
        started.display(),
        program().display()
    );
    let launch = Launch {
        program: "sh".into(),
        arguments: vec!["-c".into(), script.into()],
        variables: Vec::new(),
    };
    let stack = StackSpec::process("starts-once", launch);
    let environment = environment();
    let results = run_plan(stack, &environment).await;
    let stillborn: Vec<_> = results
        .cells
        .iter()
        .skip_while(|cell| cell.axes.known().sslmode != Sslmode::Require)
        .skip(1)
        .collect();
    assert!(!stillborn.is_empty(), "{:?}", results.stacks);
    for cell in stillborn {
        let observed = cell.observed.as_ref().expect("an observation");
        assert_eq!(observed.trace().to_string(), "- -> crash");
        assert_eq!(observed.outcome(), &Outcome::Crash);
        assert_eq!(
            (cell.conformance, cell.safety.as_slice()),
            (Conformance::Crash, &[Invariant::Crash][..])
        );
        let reason = cell.reason.as_deref().unwrap_or_default();
        assert!(reason.ends_with("no place in {home}"), "{reason}");
    }
}

#[tokio::test]
async fn who_fails_the_first_questions_is_not_asked_any_others() {
    let environment = environment();
    for (fault, reason) in [
        ("says-yes-to-nonsense", "asked for sslmode=nonsense, it did not say no"),
        ("refuses-nonsense-ahead-of-time", "asked for sslmode=nonsense, it answered question 0"),
        ("connects-on-nonsense", "asked for sslmode=nonsense, it connected"),
        ("speaks-another-contract", "wanted contract 1, got 2"),
        ("breaks-hello", "not the shim contract"),
    ] {
        let results = run_modes(fault, fault, &environment).await;
        assert!(results.cells.is_empty(), "{fault}");
        let told = results.stacks[0].could_not_run.as_deref().unwrap_or_default();
        assert!(told.contains(reason), "{fault}: {told}");
    }
}

#[tokio::test]
async fn what_is_unusual_and_within_the_contract_draws_no_finding() {
    let environment = environment();
    let mut clients: Vec<StackSpec> = [
        "answers-in-another-order",
        "keeps-tls-to-itself",
        "chatters",
        "leaves-its-connection-open",
        "answers-slowly",
    ]
    .map(|unusual| client(unusual, "unusual"))
    .into();
    // What a wrapper around a driver may do.
    let words = ["HOME=/nonexistent".into(), program().into(), "honest".into()];
    let launch = Launch { program: "env".into(), arguments: words.into(), variables: Vec::new() };
    clients.push(StackSpec::process("has-a-home-of-its-own", launch));
    let wrong = complaints_of(clients.into_iter().map(|client| {
        let environment = environment.clone();
        async move {
            let name = client.name().to_owned();
            complaints(&name, Conformance::Agrees, &run_plan(client, &environment).await)
        }
    }))
    .await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The certificate's name is the user's, whatever the access rule; no suite asks for this.
#[tokio::test]
async fn an_honest_client_agrees_with_every_access_rule_and_its_certificate() {
    let environment = environment();
    let subject = Subject::probe(&client("honest", "certificate"), &environment).await;
    for access in ["any", "ssl-only", "nossl-only"] {
        for certificate in ["none", "right", "wrong"] {
            for mode in ["disable", "allow", "prefer", "verify-full"] {
                let axes = format!(
                    "access={access},auth=cert,client-cert={certificate},sslmode={mode},sslrootcert=right"
                );
                let run = subject.try_scenario(&axes.parse().expect("axes"), &[]).await;
                assert_eq!(
                    (run.result.conformance, run.result.safety.as_slice()),
                    (Conformance::Agrees, &[][..]),
                    "{axes}: {:?}",
                    run.result.observed
                );
            }
        }
    }
    assert_eq!(subject.settle().await, []);
}

#[tokio::test]
async fn an_honest_client_draws_no_finding() {
    let whole = std::env::var_os("PGTLS_FULL").is_some();
    for suite in
        if whole { vec![Suite::Full, Suite::Cancel] } else { vec![Suite::Core, Suite::Cancel] }
    {
        let results = support::run(vec![client("honest", "honest")], suite, Vec::new()).await;
        let mut verdicts: BTreeMap<Conformance, usize> = BTreeMap::new();
        let mut findings = Vec::new();
        for cell in &results.cells {
            *verdicts.entry(cell.conformance).or_default() += 1;
            if cell.is_finding() {
                findings.push(format!(
                    "{}: {} {:?} {:?}",
                    cell.id, cell.conformance, cell.safety, cell.observed
                ));
            }
        }
        assert!(findings.is_empty(), "{suite}: {}", findings.join("\n"));
        assert_eq!(
            verdicts.keys().copied().collect::<Vec<_>>(),
            [Conformance::Agrees],
            "{suite}: {verdicts:?}"
        );
    }
}
