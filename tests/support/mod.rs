//! What the tests share: the program under test, its children, and running a plan through it.

#![allow(dead_code, reason = "each test takes what it needs")]

use std::{
    process::{Child, Command, Output, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use pgtls::stacks::BuiltIn;
use pgtls_conformance::{
    Filter, Suite,
    reference::Version,
    results::Results,
    runner::{self, Interrupt, Plan, StackSpec, TestEnvironment},
};
use pgtls_mock_server::Seed;
use proptest::test_runner::RngSeed;

/// The program that this test run has built.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_pgtls");

/// The program, which no signal is hidden from: whoever started these tests may have had reason to
/// ignore some, as nohup does, and would hand that down.
pub(crate) fn program() -> Command {
    let mut command = Command::new("env");
    command.args(["--default-signal=INT,TERM,HUP", PROGRAM]);
    command
}

/// How long a child may take on a machine that has other things to do.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Runs a command to its end, which comes in time or the test fails.
#[track_caller]
pub(crate) fn output(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    ended(command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}")))
}

/// What a child printed until its end, which comes in time or the test fails.
#[track_caller]
pub(crate) fn ended(child: Child) -> Output {
    let pid = child.id();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait_with_output()));
    let Ok(output) = receiver.recv_timeout(TIMEOUT) else {
        signal(pid, Signal::SIGKILL);
        panic!("a child did not end within {TIMEOUT:?}");
    };
    output.expect("the child's output")
}

/// Sends a signal to a child that was not waited for yet.
pub(crate) fn signal(pid: u32, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(pid).expect("a pid")), signal).expect("a signal");
}

/// What a program printed.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Where a test's chance comes from: `PGTLS_SEED`, or a number that is drawn. It is printed, so that a
/// test that failed can be run again as it was.
pub(crate) fn seed() -> Seed {
    let given = std::env::var("PGTLS_SEED").ok();
    let seed = given.map_or_else(Seed::random, |seed| seed.parse().expect("PGTLS_SEED: a seed"));
    eprintln!("seed {seed} (again: PGTLS_SEED={seed})");
    seed
}

/// That seed for proptest.
pub(crate) fn rng_seed(seed: Seed) -> RngSeed {
    let number = u64::from_str_radix(&seed.to_string(), 16).expect("a seed is sixteen digits");
    RngSeed::Fixed(number)
}

/// A built-in stack, as a child of the program.
pub(crate) fn spec(stack: BuiltIn) -> StackSpec {
    StackSpec::process(stack.name(), stack.launch(PROGRAM))
}

/// Runs a suite over stacks.
pub(crate) async fn run(stacks: Vec<StackSpec>, suite: Suite, filters: Vec<Filter>) -> Results {
    run_against(stacks, suite, filters, Version::default()).await
}

/// Runs a suite over stacks, beside the reference of that libpq.
pub(crate) async fn run_against(
    stacks: Vec<StackSpec>,
    suite: Suite,
    filters: Vec<Filter>,
    version: Version,
) -> Results {
    let plan = Plan { stacks, suite, filters, shard: None, version, jobs: 4 };
    let environment = TestEnvironment::new(seed()).expect("a environment");
    let results = runner::run(&plan, &environment, &Interrupt::default()).await;
    // What holds of every cell holds of none.
    assert!(!results.cells.is_empty(), "no cell was run: {:?}", results.stacks);
    results
}
