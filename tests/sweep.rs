//! Sweeps: an honest login, disturbed at every byte; and what a connector that is broken on purpose
//! shows.

#[expect(dead_code, reason = "its faults are another test's, but for two")]
#[path = "broken_connectors/client/mod.rs"]
mod client;
mod support;

use client::{Client, Fault};
use pgtls::stacks::BuiltIn;
use pgtls_conformance::{
    judge::Invariant,
    runner::{Interrupt, StackSpec, Subject, TestEnvironment},
    sweep::{Disturbance, Finding, Sweep, Swept},
};

async fn sweep(stack: StackSpec, logins: &[&str], disturbances: &[Disturbance]) -> Swept {
    let environment = TestEnvironment::new(support::seed()).expect("an environment");
    let subject = Subject::probe(&stack, &environment).await;
    assert_eq!(subject.could_not_run(), None);
    let logins = logins.iter().map(|login| login.parse().expect("axes"));
    let sweep = Sweep::new(&subject).of(logins).with(disturbances);
    let mut last = 0;
    let swept = sweep.run(&Interrupt::default(), |progress| last = progress.of).await;
    assert_eq!((swept.complete, swept.cases, swept.inconclusive), (true, last, 0), "{swept:#?}");
    assert_eq!(swept.unswept, [], "{swept:#?}");
    swept
}

fn told(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("{finding}\n")).collect()
}

fn right() -> StackSpec {
    StackSpec::in_process("right", Client::right())
}

fn broken(fault: Fault) -> StackSpec {
    StackSpec::in_process("broken", Client::broken(fault))
}

#[tokio::test]
async fn a_right_connector_breaks_nothing_at_any_byte() {
    let swept = sweep(right(), &["sslmode=disable"], &Disturbance::ALL).await;
    assert!(swept.findings.is_empty(), "{}", told(&swept.findings));
    let [login] = &swept.logins[..] else { panic!("{swept:#?}") };
    // A login of some hundred bytes, and each of them seven times.
    assert!((200..2000).contains(&login.bytes), "{login:?}");
    assert_eq!(swept.cases, 3 + 7 * login.bytes);
    assert_eq!(swept.handshakes, 0);
}

#[tokio::test]
async fn our_connector_ends_alike_however_its_server_is_cut_into_segments() {
    for stack in [BuiltIn::PgtlsRustls, BuiltIn::PgtlsNativeTls] {
        let stack = stack.in_process().expect("a driver");
        let swept = sweep(stack, &["sslmode=require"], &[Disturbance::Split]).await;
        assert!(swept.findings.is_empty(), "{}", told(&swept.findings));
        assert_eq!(swept.handshakes, swept.cases);
    }
}

#[tokio::test]
async fn a_driver_that_trusts_a_count_dies_of_flipped_bytes_and_of_nothing_else() {
    let every = Disturbance::ALL;
    let swept = sweep(broken(Fault::TrustsTheColumns), &["sslmode=disable"], &every).await;
    let [finding] = &swept.findings[..] else { panic!("{}", told(&swept.findings)) };
    assert_eq!(finding.broken, [Invariant::Crash]);
    assert!(finding.how.as_deref().is_some_and(|how| how.contains("client/session.rs")));
    let flips = [Disturbance::FlippedBit, Disturbance::FlippedByte];
    assert!(finding.places.iter().all(|place| flips.contains(&place.disturbance)), "{finding}");
    assert!(finding.cases > 0 && finding.places.iter().all(|place| place.rule().is_some()));
}

#[tokio::test]
async fn a_driver_that_waits_without_end_is_found_wherever_the_server_falls_silent() {
    let some = [Disturbance::Cut, Disturbance::Stalled];
    let swept = sweep(broken(Fault::HasNoTimeout), &["sslmode=disable"], &some).await;
    let [finding] = &swept.findings[..] else { panic!("{}", told(&swept.findings)) };
    assert_eq!(finding.broken, [Invariant::Hang]);
    let [place] = &finding.places[..] else { panic!("{finding}") };
    assert_eq!(place.disturbance, Disturbance::Stalled);
    // From the first byte to the last one of the login, and no further: behind it comes the query.
    assert_eq!(place.offsets.len(), 1, "{finding}");
    assert_eq!(place.offsets[0].0, 0, "{finding}");
}
