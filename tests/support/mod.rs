//! What the tests share: the program under test, and running a plan through it.

#![allow(dead_code, reason = "each test takes what it needs")]

use pgtls::stacks::Stack;
use pgtls_conformance::{
    Filter, Suite,
    reference::Version,
    results::Results,
    runner::{self, Interrupt, Laboratory, Plan, StackSpec},
};
use pgtls_mock_server::Seed;

/// The program that this test run has built.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_pgtls");

/// A built-in stack, as a child of the program.
pub(crate) fn spec(stack: Stack) -> StackSpec {
    StackSpec { name: stack.name().to_owned(), launch: Ok(stack.launch(PROGRAM)) }
}

/// Runs a suite over stacks.
pub(crate) async fn run(stacks: Vec<StackSpec>, suite: Suite, filters: Vec<Filter>) -> Results {
    let plan = Plan { stacks, suite, filters, shard: None, version: Version::default(), jobs: 4 };
    let seed = Seed::random();
    eprintln!("seed {seed}");
    let laboratory = Laboratory::new(seed).expect("a laboratory");
    let (progress, _) = tokio::sync::mpsc::unbounded_channel();
    runner::run(&plan, &laboratory, &progress, &Interrupt::default()).await.expect("a run")
}
