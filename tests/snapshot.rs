//! The matrix as a snapshot: one a stack, rows in cube order. A vanished row is as loud as a
//! changed one. `cargo insta review`, or INSTA_UPDATE=always, takes a new one.

mod support;

use std::fmt::Write as _;

use pgtls::stacks::BuiltIn;
use pgtls_conformance::{Suite, results::CellResult};

/// One line a cell: its axes, its trace, and what is wrong with it.
fn line(cell: &CellResult) -> String {
    let axes = &cell.id[cell.stack.len() + 1..];
    let seen = match (&cell.observed, &cell.reason) {
        (Some(observed), _) => observed.trace().to_string(),
        (None, reason) => reason.clone().unwrap_or_default(),
    };
    let mut line = format!("{axes} | {seen} | {}", cell.conformance);
    for invariant in &cell.safety {
        let _ = write!(line, " !{invariant}");
    }
    for warning in &cell.warnings {
        let _ = write!(line, " ?{warning}");
    }
    line
}

async fn snapshot(stack: BuiltIn) {
    let results = support::run(vec![support::spec(stack)], Suite::Core, Vec::new()).await;
    let lines: Vec<String> = results.cells.iter().map(line).collect();
    assert_eq!(lines.len(), Suite::Core.cells().len(), "{:?}", results.stacks);
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(stack.name().replace('/', "-"), lines.join("\n"));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn tokio_postgres_on_rustls() {
    snapshot(BuiltIn::TokioPostgresRustls).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokio_postgres_on_native_tls() {
    snapshot(BuiltIn::TokioPostgresNativeTls).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pgtls_on_rustls() {
    snapshot(BuiltIn::PgtlsRustls).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pgtls_on_native_tls() {
    snapshot(BuiltIn::PgtlsNativeTls).await;
}
