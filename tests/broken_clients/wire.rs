//! What goes wrong on the wire: the fault, the cell in which it shows, and the verdict.

use pgtls_conformance::{
    Suite,
    axes::Sslmode,
    judge::{Conformance, Invariant},
    reference::Version,
    runner::{self, Interrupt, Plan, Subject},
};

use super::{Verdict, client, complaints_of, environment, verdict};

/// Every fault on the wire, with a cell that shows it.
fn faults() -> Vec<(&'static str, &'static str, Verdict)> {
    use Conformance::{Agrees, Departs, Stricter, Weaker};
    use Invariant::{
        BindingDropped, Dishonest, InjectedPlaintext, PlaintextCancel, PlaintextPassword,
        PlaintextStartup, SpoofedError, Storm, UnverifiedChain, UnverifiedName,
    };
    const REFUSED: &str = "reply=refuse,sslmode=require";
    const LEAKS: &[Invariant] = &[PlaintextPassword, PlaintextStartup];
    vec![
        ("falls-back", REFUSED, verdict(Weaker, LEAKS)),
        ("falls-back", "reply=refuse,auth=md5,sslmode=require", verdict(Weaker, LEAKS)),
        (
            "falls-back",
            "reply=refuse,auth=scram-sha-256,sslmode=verify-ca,sslrootcert=right",
            verdict(Weaker, LEAKS),
        ),
        (
            "falls-back",
            "reply=refuse,auth=trust,sslmode=verify-full,sslrootcert=right",
            verdict(Weaker, &[PlaintextStartup]),
        ),
        ("leaks-base64", REFUSED, verdict(Weaker, &[PlaintextPassword])),
        ("leaks-hex", REFUSED, verdict(Weaker, &[PlaintextPassword])),
        ("leaks-in-application-name", REFUSED, verdict(Weaker, LEAKS)),
        ("leaks-md5", REFUSED, verdict(Weaker, LEAKS)),
        ("leaks-in-cancel", REFUSED, verdict(Weaker, &[PlaintextPassword, PlaintextCancel])),
        (
            "leaks-in-sasl",
            "reply=refuse,auth=scram-sha-256,sslmode=require",
            verdict(Weaker, LEAKS),
        ),
        ("leaks-after-authfail", "access=nossl-only,sslmode=require", verdict(Weaker, LEAKS)),
        ("leaks-afterwards", "sslmode=require", verdict(Weaker, LEAKS)),
        ("leaks-beside-tls", "sslmode=require", verdict(Weaker, &[PlaintextPassword])),
        ("starts-in-clear", "sslmode=require", verdict(Weaker, &[PlaintextStartup])),
        (
            "cancels-in-clear",
            "sslmode=verify-full,sslrootcert=right,then=cancel",
            verdict(Departs, &[PlaintextCancel]),
        ),
        // The key came inside TLS, whatever the mode demands.
        ("cancels-in-clear", "sslmode=prefer,then=cancel", verdict(Departs, &[PlaintextCancel])),
        ("cancels-in-clear", "sslmode=disable,then=cancel", verdict(Agrees, &[])),
        ("leaks-behind-its-answer", REFUSED, verdict(Weaker, LEAKS)),
        (
            "leaks-behind-its-answer",
            "certificate=expired,sslmode=verify-full,sslrootcert=right",
            verdict(Weaker, LEAKS),
        ),
        (
            "accepts-any-certificate",
            "certificate=unknown-ca,sslmode=verify-ca,sslrootcert=right",
            verdict(Weaker, &[UnverifiedChain]),
        ),
        (
            "accepts-any-certificate",
            "certificate=valid,sslmode=verify-full,sslrootcert=wrong",
            verdict(Weaker, &[UnverifiedChain]),
        ),
        (
            "accepts-any-certificate",
            "certificate=wrong-host,sslmode=verify-full,sslnegotiation=direct,sslrootcert=right",
            verdict(Weaker, &[UnverifiedName]),
        ),
        (
            "accepts-any-name",
            "certificate=wrong-host,sslmode=verify-full,sslrootcert=right",
            verdict(Weaker, &[UnverifiedName]),
        ),
        (
            "accepts-any-name",
            "certificate=no-names,sslmode=verify-full,sslrootcert=system",
            verdict(Weaker, &[UnverifiedName]),
        ),
        // Rejected afterwards, it still has shown whom it trusts.
        (
            "accepts-any-name",
            "certificate=wrong-host,access=nossl-only,sslmode=verify-full,sslrootcert=right",
            verdict(Departs, &[UnverifiedName]),
        ),
        (
            "ignores-expiry",
            "certificate=expired,sslmode=verify-ca,sslrootcert=right",
            verdict(Weaker, &[UnverifiedChain]),
        ),
        (
            "ignores-expiry",
            "certificate=not-yet-valid,tls=1.2,sslmode=verify-full,sslrootcert=right",
            verdict(Weaker, &[UnverifiedChain]),
        ),
        (
            "ignores-authority",
            "certificate=self-signed,sslmode=verify-full,sslrootcert=right",
            verdict(Weaker, &[UnverifiedChain]),
        ),
        (
            "ignores-authority",
            "certificate=missing-intermediate,sslmode=verify-full,sslrootcert=right",
            verdict(Weaker, &[UnverifiedChain]),
        ),
        (
            "ignores-usage",
            "certificate=client-auth-only,sslmode=verify-ca,sslrootcert=right",
            verdict(Weaker, &[UnverifiedChain]),
        ),
        (
            "ignores-revocation",
            "certificate=revoked,sslmode=verify-full,sslrootcert=right",
            verdict(Weaker, &[UnverifiedChain]),
        ),
        (
            "trusts-without-root",
            "sslmode=verify-full,sslrootcert=missing",
            verdict(Weaker, &[UnverifiedChain]),
        ),
        (
            "matches-cn-beside-san",
            "certificate=san-overrides-cn,sslmode=verify-full,sslrootcert=right",
            verdict(Weaker, &[UnverifiedName]),
        ),
        (
            "wildcard-spans-labels",
            "certificate=wildcard,sslmode=verify-full,sslrootcert=right,host=a.b.wild.example",
            verdict(Weaker, &[UnverifiedName]),
        ),
        (
            "takes-injected-bytes",
            "reply=stuffed,sslmode=verify-full,sslrootcert=right",
            verdict(Departs, &[InjectedPlaintext]),
        ),
        (
            "takes-injected-bytes-and-leaves",
            "reply=stuffed,sslmode=prefer",
            verdict(Departs, &[InjectedPlaintext]),
        ),
        (
            "takes-injected-bytes-late-and-leaves",
            "reply=stuffed,sslmode=prefer",
            verdict(Departs, &[InjectedPlaintext]),
        ),
        ("shows-server-text", "reply=error,sslmode=require", verdict(Agrees, &[SpoofedError])),
        (
            "shows-server-text-dressed",
            "reply=error,sslmode=verify-full,sslrootcert=right",
            verdict(Agrees, &[SpoofedError]),
        ),
        (
            "shows-server-text-as-numbers",
            "reply=error,sslmode=require",
            verdict(Agrees, &[SpoofedError]),
        ),
        ("logs-server-text", "reply=error,sslmode=require", verdict(Agrees, &[])),
        // Where the mode does not demand TLS, the text is as good as any.
        ("shows-server-text", "reply=error,sslmode=prefer", verdict(Agrees, &[])),
        (
            "drops-binding",
            "sslmode=verify-full,sslrootcert=right,channel-binding=require",
            verdict(Weaker, &[BindingDropped]),
        ),
        (
            "drops-binding",
            "auth=md5,sslmode=require,channel-binding=require",
            verdict(Weaker, &[BindingDropped]),
        ),
        (
            "drops-binding",
            "auth=trust,sslmode=require,channel-binding=require",
            verdict(Weaker, &[BindingDropped]),
        ),
        (
            "drops-plus",
            "auth=scram-sha-256-plus,sslmode=require,channel-binding=require",
            verdict(Agrees, &[BindingDropped]),
        ),
        (
            "drops-plus",
            "auth=scram-sha-256,sslmode=require,channel-binding=require",
            verdict(Weaker, &[BindingDropped]),
        ),
        (
            "binds-by-another-hash",
            "key=ed25519,auth=scram-sha-256-plus,sslmode=require,channel-binding=require",
            verdict(Departs, &[]),
        ),
        (
            "connects-in-words",
            "certificate=expired,sslmode=verify-full,sslrootcert=right",
            verdict(Agrees, &[Dishonest]),
        ),
        ("wrong-number", "sslmode=disable", verdict(Agrees, &[Dishonest])),
        ("fails-after-query", "sslmode=require", verdict(Agrees, &[Dishonest])),
        ("claims-tls", "sslmode=disable", verdict(Agrees, &[Dishonest])),
        ("unsupported-afterwards", "sslmode=require", verdict(Agrees, &[Dishonest])),
        // What libpq does where it has Kerberos tickets.
        (
            "asks-for-gss-first",
            "sslmode=verify-full,sslrootcert=right,channel-binding=require,auth=scram-sha-256-plus",
            verdict(Departs, &[]),
        ),
        ("asks-for-gss-first", "sslmode=require,reply=stuffed", verdict(Departs, &[])),
        ("storms", "sslmode=require", verdict(Departs, &[Storm])),
        (
            "retries-too-much",
            "certificate=expired,sslmode=verify-full,sslrootcert=right",
            verdict(Departs, &[]),
        ),
        (
            "never-retries",
            "certificate=expired,sslmode=prefer,sslrootcert=right",
            verdict(Stricter, &[]),
        ),
        // On a connection that the server gave up, and has to read on to see.
        (
            "falls-back-on-the-same-connection",
            "certificate=expired,sslmode=verify-full,sslrootcert=right",
            verdict(Weaker, &[PlaintextStartup]),
        ),
        (
            "falls-back-on-the-same-connection",
            "reply=tls-alert,sslmode=require",
            verdict(Weaker, &[PlaintextStartup]),
        ),
        (
            "takes-injected-bytes-in-clear",
            "reply=stuffed,sslmode=require",
            verdict(Departs, &[InjectedPlaintext]),
        ),
    ]
}

#[tokio::test]
async fn each_fault_on_the_wire_is_found_under_its_name() {
    find(faults()).await;
}

/// What is told of a fault is the same whatever the run: each is found twice, by two seeds.
#[tokio::test]
async fn each_fault_on_the_wire_is_shown_by_the_same_lines_in_every_run() {
    let environments = [environment(), environment()];
    let wrong = complaints_of(faults().into_iter().map(|(fault, axes, expected)| {
        let environments = environments.clone();
        async move {
            let axes = axes.parse().expect("axes");
            let mut told = Vec::new();
            for environment in &environments {
                let subject = Subject::probe(&client(fault, "evidence"), environment).await;
                told.push(subject.try_to_the_end(&axes, &[]).await.result.evidence);
            }
            let shown: Vec<Invariant> = told[0]
                .iter()
                .filter(|evidence| !evidence.lines.is_empty())
                .map(|evidence| evidence.invariant)
                .collect();
            if shown == expected.safety && told[0] == told[1] {
                return Vec::new();
            }
            vec![format!("{fault} in {axes}: wanted {:?}, got {told:#?}", expected.safety)]
        }
    }))
    .await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn find(faults: Vec<(&'static str, &'static str, Verdict)>) {
    let environment = environment();
    let wrong = complaints_of(faults.into_iter().map(|(fault, axes, expected)| {
        let environment = environment.clone();
        async move {
            let axes = axes.parse().expect("axes");
            let subject = Subject::probe(&client(fault, "wire"), &environment).await;
            let observed = subject.try_to_the_end(&axes, &[]).await.result;
            let found = Verdict { conformance: observed.conformance, safety: observed.safety };
            if found == expected {
                return Vec::new();
            }
            let trace = observed.observed.map(|it| (it.trace().to_string(), it.error));
            let why = observed.reason;
            vec![format!("{fault} in {axes}:\n  wanted {expected:?}\n  got    {found:?}\n  of     {trace:?}, {why:?}")]
        }
    }))
    .await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Its processes are asked again long before it leaks: what comes late belongs to the cell whose server
/// it comes to.
#[tokio::test]
async fn what_leaks_behind_an_answer_is_found_in_its_own_cell() {
    let environment = environment();
    let refused =
        "reply=refuse,certificate=valid,key=p256,access=any,auth=password,sslnegotiation=postgres";
    let plan = Plan {
        stacks: vec![client("leaks-behind-its-answer", "late")],
        suite: Suite::Core,
        filters: vec![refused.parse().expect("a filter")],
        shard: None,
        version: Version::default(),
        jobs: 4,
    };
    let results = runner::run(&plan, &environment, &Interrupt::default()).await;
    assert_eq!(results.cells.len(), 7, "{:?}", results.stacks);
    for cell in &results.cells {
        let demands_tls = matches!(
            cell.axes.known().sslmode,
            Sslmode::Require | Sslmode::VerifyCa | Sslmode::VerifyFull
        );
        let leaks = [Invariant::PlaintextPassword, Invariant::PlaintextStartup];
        let expected: &[Invariant] = if demands_tls { &leaks } else { &[] };
        assert_eq!(cell.safety, expected, "{}: {:?}", cell.id, cell.observed);
    }
}
