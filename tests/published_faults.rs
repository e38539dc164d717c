//! Faults that were published, found by name in the releases that have them, and not found in
//! those that mend them.

#[path = "support/installed.rs"]
mod installed;
mod support;

use pgtls_conformance::{Filter, Suite, judge::Invariant};

/// A fault, the invariant that it breaks, where it shows, and both sides of its repair.
struct Fault {
    name: &'static str,
    invariant: Invariant,
    cells: &'static str,
    affected: &'static str,
    mended: &'static str,
}

#[tokio::test(flavor = "multi_thread")]
async fn cve_2021_23222_libpq_reads_what_came_before_the_handshake() {
    check(&Fault {
        name: "CVE-2021-23222",
        invariant: Invariant::InjectedPlaintext,
        cells: "reply=stuffed",
        // libpq 13.3 and 14.1.
        affected: "psycopg2@2.9.1",
        mended: "psycopg2@2.9.2",
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cve_2024_10977_libpq_passes_on_an_error_from_before_tls() {
    check(&Fault {
        name: "CVE-2024-10977",
        invariant: Invariant::SpoofedError,
        cells: "reply=error",
        // libpq 16.0 and 17.6.
        affected: "psycopg2@2.9.10",
        mended: "psycopg2@2.9.11",
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r2dbc_issue_705_what_came_before_the_handshake_is_the_end_of_the_login() {
    check(&Fault {
        name: "r2dbc-postgresql issue 705",
        invariant: Invariant::InjectedPlaintext,
        cells: "reply=stuffed,access=any",
        affected: "r2dbc-postgresql@1.1.1",
        mended: "r2dbc-postgresql@1.1.3.RELEASE",
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cve_2025_49146_pgjdbc_takes_a_login_without_the_binding_it_requires() {
    check(&Fault {
        name: "CVE-2025-49146",
        invariant: Invariant::BindingDropped,
        // Where a certificate names no hash (Ed25519), whether a driver drops the binding is another
        // question than this fault.
        cells: "key=p256,channel-binding=require",
        affected: "pgjdbc@42.7.4",
        mended: "pgjdbc@42.7.7",
    })
    .await;
}

async fn check(fault: &Fault) {
    let Fault { name, invariant, cells, .. } = *fault;
    for (stack, is_affected) in [(fault.affected, true), (fault.mended, false)] {
        let Some(spec) = installed::stack(stack) else { continue };
        let filter: Filter = cells.parse().expect("a filter");
        let results = support::run(vec![spec], Suite::Full, vec![filter]).await;
        assert_eq!(results.stacks[0].could_not_run, None, "{stack}");
        let observed = results.cells.iter().filter(|cell| cell.observed.is_some()).count();
        assert!(observed > 0, "{stack} could be asked nothing of {cells}");
        let broken: Vec<&str> = results
            .cells
            .iter()
            .filter(|cell| cell.safety.contains(&invariant))
            .map(|cell| cell.id.as_str())
            .collect();
        eprintln!("{name}: {stack} breaks {invariant:?} in {} of {observed} cells", broken.len());
        assert_eq!(!broken.is_empty(), is_affected, "{name} in {stack}: {broken:#?}");
    }
}
