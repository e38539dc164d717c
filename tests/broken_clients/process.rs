//! What goes wrong with a process: each fault costs its own cell, and nothing is left behind.

use std::time::{Duration, Instant};

use pgtls_conformance::{
    Cell,
    axes::Sslmode,
    judge::{Conformance, Invariant},
    runner::{StackSpec, Subject},
    shim::Launch,
};
use pgtls_mock_server::{Seed, trace::Outcome};

use super::{
    NEVER_REST, client, complaints, complaints_of, environment, program, run_modes, run_plan,
    support, verdict,
};

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
