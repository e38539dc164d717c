//! The connector in every cell of the full suite, on both backends: it agrees with libpq but for
//! what `baselines/pgtls.json` lists with its reason.

mod support;

use pgtls::{report::findings, stacks::BuiltIn};
use pgtls_conformance::{Suite, baseline::Baseline, judge::Conformance};

#[tokio::test(flavor = "multi_thread")]
async fn the_connector_agrees_with_libpq_in_every_cell_of_the_full_suite() {
    let stacks = vec![support::spec(BuiltIn::PgtlsRustls), support::spec(BuiltIn::PgtlsNativeTls)];
    let results = support::run(stacks, Suite::Full, Vec::new()).await;
    assert_eq!(results.cells.len(), 2 * Suite::Full.cells().len(), "{:?}", results.stacks);

    let baseline = Baseline::from_json(include_str!("baselines/pgtls.json")).expect("a baseline");
    let found = baseline.findings(&results);
    assert!(found.is_empty(), "{}", findings::text(&found));
    // On the safe side, or not at all.
    for entry in &baseline.0 {
        assert!(
            matches!(entry.conformance, Conformance::Stricter | Conformance::Departs),
            "{entry:?}"
        );
        assert!(entry.safety.is_empty() && !entry.reason.is_empty(), "{entry:?}");
    }
    for cell in results.cells.iter().filter(|cell| cell.conformance == Conformance::Unsupported) {
        assert_eq!(
            (cell.stack.as_str(), cell.axes.value("certificate")),
            ("pgtls/native-tls", Some("revoked")),
            "{}: {:?}",
            cell.id,
            cell.reason
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cancel_requests_go_the_way_of_the_connection() {
    let stacks = vec![support::spec(BuiltIn::PgtlsRustls), support::spec(BuiltIn::PgtlsNativeTls)];
    let results = support::run(stacks, Suite::Cancel, Vec::new()).await;
    assert_eq!(results.cells.len(), 2 * Suite::Cancel.cells().len(), "{:?}", results.stacks);
    let baseline = Baseline::default();
    let found = baseline.findings(&results);
    assert!(found.is_empty(), "{}", findings::text(&found));
}
