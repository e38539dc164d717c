//! What questions cost, what those that share a process do to one another, and who is asked none.

use futures_util::future::join_all;
use pgtls_conformance::{
    judge::{Conformance, Invariant},
    runner::{ServerBehaviour, Subject},
    shim::ColumnType,
};

use super::{client, environment, run_modes, verdict};

/// What a question costs counts, and what the first question alone costs does not.
#[tokio::test]
async fn a_question_that_costs_too_much_is_found_and_warming_up_is_not() {
    let environment = environment();
    for (fault, safety) in [
        ("works-hard", &[Invariant::Busy][..]),
        ("has-a-child-work-hard", &[Invariant::Busy]),
        ("takes-much-memory", &[Invariant::Memory]),
        ("warms-up", &[]),
    ] {
        let subject = Subject::probe(&client(fault, "cost"), &environment).await;
        let axes = "sslmode=require".parse().expect("axes");
        let result = subject.try_to_the_end(&axes, &[]).await.result;
        let found = verdict(result.conformance, &result.safety);
        assert_eq!(found, verdict(Conformance::Agrees, safety), "{fault}: {result:?}");
    }
}

/// Several questions are in flight to each process: what one does to its process costs itself alone, and
/// whoever waits on silence keeps nobody waiting.
#[tokio::test]
async fn questions_that_share_a_process_cost_one_another_nothing() {
    let environment = environment();
    for (fault, require) in [
        ("takes-several", verdict(Conformance::Agrees, &[])),
        ("takes-several-and-dies", verdict(Conformance::Crash, &[Invariant::Crash])),
        ("takes-several-and-hangs", verdict(Conformance::Hang, &[Invariant::Hang])),
    ] {
        let subject = Subject::probe(&client(fault, "several"), &environment).await.with_jobs(2);
        assert_eq!(subject.could_not_run(), None);
        let modes = ["disable", "prefer", "verify-full", "allow", "require"];
        let ask = async |number: usize| {
            let mode = modes[number % modes.len()];
            let reply = if number.is_multiple_of(8) { "reply=silent," } else { "" };
            let axes = format!("{reply}sslmode={mode},sslrootcert=right").parse().expect("axes");
            let server = ServerBehaviour::of(&axes);
            let fetch = [ColumnType::Int8, ColumnType::Text];
            let result = subject.try_server(&axes, &server, &fetch).await.result;
            let found = verdict(result.conformance, &result.safety);
            let agrees = verdict(Conformance::Agrees, &[]);
            let expected = if mode == "require" { &require } else { &agrees };
            (found != *expected).then(|| format!("{fault}: {}: {found:?} {result:?}", result.id))
        };
        let wrong: Vec<String> = join_all((0..60).map(ask)).await.into_iter().flatten().collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        subject.settle().await;
    }
}

#[tokio::test]
async fn a_client_that_never_connects_is_not_run_and_says_why_itself() {
    let environment = environment();
    let results = run_modes("never-connects", "never", &environment).await;
    assert_eq!(results.cells, []);
    let told = results.stacks[0].could_not_run.as_deref().unwrap_or_default();
    assert!(told.starts_with("no honest connection works: "), "{told}");
    assert!(told.ends_with("unexpected keyword argument 'hots'"), "{told}");
}

#[tokio::test]
async fn who_fails_the_first_questions_is_not_asked_any_others() {
    let environment = environment();
    for (fault, reason) in [
        ("says-yes-to-nonsense", "asked for sslmode=nonsense, it did not say no"),
        ("refuses-nonsense-ahead-of-time", "asked for sslmode=nonsense, it answered question 0"),
        ("connects-on-nonsense", "asked for sslmode=nonsense, it connected"),
        ("speaks-another-contract", "wanted contract 1, got 2"),
        ("breaks-hello", "not the shim contract"),
    ] {
        let results = run_modes(fault, fault, &environment).await;
        assert!(results.cells.is_empty(), "{fault}");
        let told = results.stacks[0].could_not_run.as_deref().unwrap_or_default();
        assert!(told.contains(reason), "{fault}: {told}");
    }
}
