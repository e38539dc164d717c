//! Real libpq over the full suite, beside the reference of its own version.
//!
//! Exceptions stand in `baselines/libpq.json`, each with its reason (today there is none); an
//! entry that no longer holds fails the test too.

#[path = "support/installed.rs"]
mod installed;
mod support;

use pgtls::{report::findings, stacks::BuiltIn};
use pgtls_conformance::{
    Suite,
    axes::{Sslnegotiation, Sslrootcert},
    baseline::Baseline,
    judge::Conformance,
    reference::Version,
    runner::StackSpec,
};

#[tokio::test(flavor = "multi_thread")]
async fn psycopg_agrees() {
    if let Some(spec) = installed::stack("psycopg") {
        agrees(spec, Version::V18).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn psycopg2_agrees() {
    if let Some(spec) = installed::stack("psycopg2") {
        agrees(spec, Version::V17).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_machines_own_psql_agrees() {
    let hello = match BuiltIn::LibpqPsql.hello().await {
        Ok(hello) => hello,
        Err(reason) => return installed::skip(&format!("libpq/psql: {reason}")),
    };
    let major = hello.libpq.unwrap_or_default();
    match major.to_string().parse() {
        Ok(version) => agrees(support::spec(BuiltIn::LibpqPsql), version).await,
        Err(_) => installed::skip(&format!("libpq/psql: the reference knows no libpq {major}")),
    }
}

async fn agrees(spec: StackSpec, version: Version) {
    let name = spec.name().to_owned();
    let results = support::run_against(vec![spec], Suite::Full, Vec::new(), version).await;

    let stack = &results.stacks[0];
    assert_eq!(stack.could_not_run, None);
    assert_eq!(stack.libpq, Some(version.number()), "the libpq inside of {name}");
    assert_eq!(results.cells.len(), Suite::Full.cells().len());
    let baseline = Baseline::from_json(include_str!("baselines/libpq.json")).expect("a baseline");
    let found = baseline.findings(&results);
    assert!(found.is_empty(), "{}", findings::text(&found));
    // What this libpq does not have, and nothing else, was not asked.
    let unasked = results.cells.iter().filter(|cell| cell.conformance == Conformance::Unsupported);
    for cell in unasked {
        let direct =
            cell.axes.known().sslnegotiation == Sslnegotiation::Direct && version < Version::V17;
        let system =
            matches!(cell.axes.known().sslrootcert, Sslrootcert::System | Sslrootcert::SystemEmpty)
                && version < Version::V16;
        assert!(direct || system, "{}: {:?}", cell.id, cell.reason);
    }
}
