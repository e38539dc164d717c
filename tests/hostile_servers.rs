//! Servers put together at random from replies, certificates and segmentations, against the four
//! Rust stacks, under the safety invariants.

mod support;

use pgtls::stacks::BuiltIn;
use pgtls_conformance::{
    axes::{Access, Axes, Certificate, Reply, Sslmode, Sslnegotiation, Sslrootcert},
    judge::Invariant,
    runner::{Subject, TestEnvironment},
};
use pgtls_mock_server::RuleSpec;
use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, TestRunner},
};

fn axes() -> impl Strategy<Value = Axes> {
    (
        select(Reply::ALL),
        select(Certificate::ALL),
        select(Access::ALL),
        select(Sslmode::ALL),
        select(Sslnegotiation::ALL),
        select(Sslrootcert::ALL),
    )
        .prop_map(|(reply, certificate, access, sslmode, sslnegotiation, sslrootcert)| {
            let mut axes = Axes { sslmode, sslnegotiation, sslrootcert, ..Axes::default() };
            axes.server.reply = reply;
            axes.server.certificate = certificate;
            axes.server.access = access;
            axes
        })
}

/// Segmentations and short delays, both ways; nothing that silences the server.
fn rules() -> impl Strategy<Value = Vec<RuleSpec>> {
    let offsets = || prop::collection::vec(0..3000_u64, 1..16);
    prop::collection::vec(
        prop_oneof![
            offsets().prop_map(|at| RuleSpec::SplitOutbound { at }),
            offsets().prop_map(|at| RuleSpec::SplitInbound { at }),
            (0..3000_u64, 1..20_u64)
                .prop_map(|(at, milliseconds)| RuleSpec::DelayOutbound { at, milliseconds }),
            (0..3000_u64).prop_map(|at| RuleSpec::ResetOutbound { at }),
            (0..3000_u64).prop_map(|at| RuleSpec::HalfCloseOutbound { at }),
        ],
        0..3,
    )
}

/// What a stack is known for.
fn known(stack: BuiltIn) -> &'static [Invariant] {
    match stack {
        // Its connect_timeout covers the TCP connection alone.
        BuiltIn::TokioPostgresRustls | BuiltIn::TokioPostgresNativeTls => &[Invariant::Hang],
        _ => &[],
    }
}

fn attack(stack: BuiltIn, cases: u32) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let seed = support::seed();
    let environment = TestEnvironment::new(seed).expect("a environment");
    let subject = runtime.block_on(Subject::probe(&support::spec(stack), &environment));
    assert_eq!(subject.could_not_run(), None);
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        rng_seed: support::rng_seed(seed),
        ..Config::default()
    });
    let waits = |axes: &Axes| matches!(axes.server.reply, Reply::Silent | Reply::TlsSilent);
    let strategy = (axes(), rules())
        .prop_filter("the stack can be asked, and at once", |(axes, _)| {
            subject.supports(axes) && !waits(axes)
        });
    let outcome = runner.run(&strategy, |(axes, rules)| {
        let run = runtime.block_on(subject.try_scenario(&axes, &rules));
        let broken: Vec<Invariant> = run
            .result
            .safety
            .iter()
            .filter(|invariant| !known(stack).contains(invariant))
            .copied()
            .collect();
        prop_assert!(
            broken.is_empty(),
            "{} breaks {broken:?}: {:?}",
            run.result.id,
            run.result.observed
        );
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(runtime.block_on(subject.settle()), []);
}

#[test]
fn tokio_postgres_on_rustls() {
    attack(BuiltIn::TokioPostgresRustls, 96);
}

#[test]
fn tokio_postgres_on_native_tls() {
    attack(BuiltIn::TokioPostgresNativeTls, 96);
}

#[test]
fn pgtls_on_rustls() {
    attack(BuiltIn::PgtlsRustls, 192);
}

#[test]
fn pgtls_on_native_tls() {
    attack(BuiltIn::PgtlsNativeTls, 192);
}
