//! The built-in Rust stacks in this process, over streams in memory, against themselves as processes
//! over TCP: cell for cell the same.

mod support;

use std::{collections::BTreeMap, io};

use nix::errno::Errno;
use pgtls::stacks::BuiltIn;
use pgtls_conformance::{Suite, judge::Conformance, results::CellResult, runner::StackSpec};

/// The built-in stacks that are drivers in Rust.
fn drivers() -> Vec<BuiltIn> {
    let drivers: Vec<BuiltIn> =
        BuiltIn::ALL.into_iter().filter(|stack| stack.in_process().is_some()).collect();
    assert_eq!(drivers.len(), 4);
    drivers
}

async fn cells(stacks: Vec<StackSpec>, suite: Suite) -> BTreeMap<String, CellResult> {
    let results = support::run(stacks, suite, Vec::new()).await;
    for stack in &results.stacks {
        assert_eq!(stack.could_not_run, None, "{}", stack.name);
    }
    results.cells.into_iter().map(|cell| (cell.id.clone(), cell)).collect()
}

async fn compare(suite: Suite) {
    let in_process = drivers().into_iter().filter_map(BuiltIn::in_process).collect();
    let here = cells(in_process, suite).await;
    let there = cells(drivers().into_iter().map(support::spec).collect(), suite).await;
    assert_eq!(here.len(), 4 * suite.cells().len());
    assert!(here.keys().eq(there.keys()));
    let differences: Vec<String> = here
        .iter()
        .filter_map(|(id, here)| {
            let there = &there[id];
            let (mine, its) = (seen(here), seen(there));
            (mine != its).then(|| format!("{id}\n  in process: {mine}\n  a process:  {its}"))
        })
        .collect();
    assert!(differences.is_empty(), "{}:\n{}", differences.len(), differences.join("\n"));
}

/// All of a result but what it took.
fn seen(cell: &CellResult) -> String {
    let CellResult { observed, conformance, safety, evidence, warnings, reason, expected, .. } =
        cell;
    assert_ne!(*conformance, Conformance::Inconclusive, "{cell:?}");
    let observed = observed.as_ref().map(|observed| {
        let error =
            observed.error.as_ref().map(|error| (&error.class, in_rusts_words(&error.message)));
        (observed.trace(), &observed.tls, observed.round_trips, error)
    });
    format!(
        "{observed:?} {expected:?} {conformance} {safety:?} {evidence:?} {warnings:?} {reason:?}"
    )
}

/// The operating system names a broken connection in words of its own, and adds its number; where there
/// is no socket, there are Rust's words alone. It is the one thing that differs by nature.
fn in_rusts_words(message: &str) -> String {
    [Errno::ECONNRESET, Errno::EPIPE].into_iter().fold(message.to_owned(), |message, errno| {
        let error = io::Error::from_raw_os_error(errno as i32);
        message.replace(&error.to_string(), &error.kind().to_string())
    })
}

#[tokio::test]
async fn the_core_suite_is_the_same_in_process() {
    compare(Suite::Core).await;
}

#[tokio::test]
async fn cancel_requests_are_the_same_in_process() {
    compare(Suite::Cancel).await;
}
