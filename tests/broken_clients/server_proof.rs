//! A server that does not prove that it knows the password: who goes on all the same is found.

use pgtls_conformance::{
    judge::Invariant,
    runner::{ServerBehaviour, Subject},
};
use pgtls_mock_server::script::{self, Script};

use super::{client, environment};

/// The values of `--scram`, each a script of the catalogue, and what a client with a fault breaks.
#[tokio::test]
async fn a_server_that_proves_nothing_is_noticed_by_all_but_the_broken() {
    use Invariant::ServerUnproven;
    let environment = environment();
    for (fault, script, axes, safety) in [
        ("takes-any-signature", "wrong-signature", "default", &[ServerUnproven][..]),
        ("takes-any-signature", "error", "default", &[]),
        ("takes-any-signature", "honest", "default", &[]),
        ("takes-any-signature", "no-final", "default", &[]),
        ("takes-no-signature", "no-final", "default", &[]),
        ("takes-no-signature", "early-ok", "default", &[]),
        ("takes-no-signature", "wrong-signature", "default", &[]),
        ("honest", "wrong-signature", "default", &[]),
        ("honest", "early-ok", "default", &[]),
    ] {
        let name = format!("scram={script}");
        let script = script::all().into_iter().find(|named| named.name == name).expect(&name);
        let server = ServerBehaviour::scripted(script.script);
        let subject = Subject::probe(&client(fault, "scram"), &environment).await;
        let axes = axes.parse().expect("axes");
        let result = subject.try_server_to_the_end(&axes, &server, &[]).await.result;
        assert_eq!(result.safety, safety, "{fault} before {name}: {result:?}");
    }
}

/// Where the settings demand that the server prove itself, none is as bad as a wrong proof.
#[tokio::test]
async fn a_missing_proof_is_a_broken_one_where_binding_is_demanded() {
    let plus = |end: &str| {
        let startup = format!(
            r#"{{"connections": [{{"startup": [
                {{"send": [{{"authentication_sasl": {{"mechanisms": ["SCRAM-SHA-256-PLUS"]}}}}]}},
                {{"expect": "sasl_initial_response"}},
                {{"send": [{{"authentication_sasl_continue": {{
                    "data": "r={{client_nonce}}{{server_nonce}},s={{salt}},i=4096"
                }}}}]}},
                {{"expect": "sasl_response"}},
                {{"send": [{end}]}}
            ]}}]}}"#
        );
        ServerBehaviour::scripted(Script::from_json(&startup).expect("a script"))
    };
    let honest = r#"{"authentication_sasl_final": {"data": "v={server_signature}"}}, "welcome""#;
    let environment = environment();
    for (fault, end, safety) in [
        ("takes-no-signature", honest, &[][..]),
        ("takes-no-signature", r#""welcome""#, &[Invariant::ServerUnproven]),
        ("honest", r#""welcome""#, &[]),
    ] {
        let subject = Subject::probe(&client(fault, "plus"), &environment).await;
        let axes = "sslmode=require,channel-binding=require".parse().expect("axes");
        let result = subject.try_server_to_the_end(&axes, &plus(end), &[]).await.result;
        assert_eq!(result.safety, safety, "{fault}: {result:?}");
    }
}
