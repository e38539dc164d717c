//! Clients without a fault, however unusual: nothing is found.

use std::collections::BTreeMap;

use pgtls_conformance::{
    Suite,
    judge::Conformance,
    runner::{StackSpec, Subject},
    shim::Launch,
};

use super::{client, complaints, complaints_of, environment, program, run_plan, support};

#[tokio::test]
async fn what_is_unusual_and_within_the_contract_draws_no_finding() {
    let environment = environment();
    let mut clients: Vec<StackSpec> = [
        "answers-in-another-order",
        "keeps-tls-to-itself",
        "chatters",
        "leaves-its-connection-open",
        "answers-slowly",
    ]
    .map(|unusual| client(unusual, "unusual"))
    .into();
    // What a wrapper around a driver may do.
    let words = ["HOME=/nonexistent".into(), program().into(), "honest".into()];
    let launch = Launch { program: "env".into(), arguments: words.into(), variables: Vec::new() };
    clients.push(StackSpec::process("has-a-home-of-its-own", launch));
    let wrong = complaints_of(clients.into_iter().map(|client| {
        let environment = environment.clone();
        async move {
            let name = client.name().to_owned();
            complaints(&name, Conformance::Agrees, &run_plan(client, &environment).await)
        }
    }))
    .await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The certificate's name is the user's, whatever the access rule; no suite asks for this.
#[tokio::test]
async fn an_honest_client_agrees_with_every_access_rule_and_its_certificate() {
    let environment = environment();
    let subject = Subject::probe(&client("honest", "certificate"), &environment).await;
    for access in ["any", "ssl-only", "nossl-only"] {
        for certificate in ["none", "right", "wrong"] {
            for mode in ["disable", "allow", "prefer", "verify-full"] {
                let axes = format!(
                    "access={access},auth=cert,client-cert={certificate},sslmode={mode},sslrootcert=right"
                );
                let run = subject.try_scenario(&axes.parse().expect("axes"), &[]).await;
                assert_eq!(
                    (run.result.conformance, run.result.safety.as_slice()),
                    (Conformance::Agrees, &[][..]),
                    "{axes}: {:?}",
                    run.result.observed
                );
            }
        }
    }
    assert_eq!(subject.settle().await, []);
}

#[tokio::test]
async fn an_honest_client_draws_no_finding() {
    let whole = std::env::var_os("PGTLS_FULL").is_some();
    for suite in
        if whole { vec![Suite::Full, Suite::Cancel] } else { vec![Suite::Core, Suite::Cancel] }
    {
        let results = support::run(vec![client("honest", "honest")], suite, Vec::new()).await;
        let mut verdicts: BTreeMap<Conformance, usize> = BTreeMap::new();
        let mut findings = Vec::new();
        for cell in &results.cells {
            *verdicts.entry(cell.conformance).or_default() += 1;
            if cell.is_finding() {
                findings.push(format!(
                    "{}: {} {:?} {:?}",
                    cell.id, cell.conformance, cell.safety, cell.observed
                ));
            }
        }
        assert!(findings.is_empty(), "{suite}: {}", findings.join("\n"));
        assert_eq!(
            verdicts.keys().copied().collect::<Vec<_>>(),
            [Conformance::Agrees],
            "{suite}: {verdicts:?}"
        );
    }
}
