//! Columns of every type, read by every built-in stack as its driver's natural value: from an honest server
//! nothing else can come than a right answer.

mod support;

use futures_util::future::join_all;
use pgtls::stacks::BuiltIn;
use pgtls_conformance::{
    axes::Axes,
    judge::Conformance,
    runner::{ServerBehaviour, StackSpec, Subject, TestEnvironment},
    shim::ColumnType,
};
use pgtls_mock_server::Seed;

/// Asks for each type by itself, and for all of them in one row.
async fn reads_every_type(spec: StackSpec) {
    let seed = Seed::random();
    eprintln!("seed {seed}");
    let environment = TestEnvironment::new(seed).expect("a test environment");
    let subject = Subject::probe(&spec, &environment).await;
    assert_eq!(subject.could_not_run(), None, "{}", spec.name());
    let axes: Axes = "sslmode=require,sslrootcert=right".parse().expect("axes");
    let server = ServerBehaviour::of(&axes);
    let each = ColumnType::ALL.map(|column| vec![column]);
    let fetches: Vec<Vec<ColumnType>> =
        each.into_iter().chain([Vec::new(), ColumnType::ALL.to_vec()]).collect();
    let asked = fetches.iter().map(|fetch| subject.try_server(&axes, &server, fetch));
    for (fetch, run) in fetches.iter().zip(join_all(asked).await) {
        let result = run.result;
        let name = spec.name();
        assert_eq!(result.conformance, Conformance::Agrees, "{name} {fetch:?}: {result:?}");
        assert_eq!(result.safety, [], "{name} {fetch:?}: {result:?}");
    }
    assert_eq!(subject.settle().await, []);
}

#[tokio::test]
async fn every_stack_in_this_process_reads_every_type() {
    for spec in BuiltIn::ALL.into_iter().filter_map(BuiltIn::in_process) {
        reads_every_type(spec).await;
    }
}

#[tokio::test]
async fn every_stack_that_is_a_process_reads_every_type() {
    for stack in BuiltIn::ALL {
        if stack == BuiltIn::LibpqPsql && stack.hello().await.is_err() {
            eprintln!("no psql here");
            continue;
        }
        reads_every_type(support::spec(stack)).await;
    }
}
