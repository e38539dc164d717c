//! For each fault a server by hand that provokes it.

use pgtls_conformance::{axes::Axes, runner::ServerBehaviour};
use pgtls_mock_server::script::{Script, find};

use super::client::Fault;

/// What is asked of the client, and what its server does.
#[derive(Debug)]
pub(crate) struct Provoked {
    pub(crate) axes: Axes,
    pub(crate) server: ServerBehaviour,
}

/// How a fault is provoked.
pub(crate) fn by(fault: Fault) -> Provoked {
    match fault {
        Fault::FallsBack => axes("reply=tls-close,sslmode=require"),
        Fault::NamesItself => axes("reply=refuse,sslmode=require"),
        Fault::CancelsInClear => axes("sslmode=require,then=cancel"),
        Fault::SkipsTheChain => axes("certificate=unknown-ca,sslmode=verify-ca,sslrootcert=right"),
        Fault::SkipsTheName => axes("certificate=wrong-host,sslmode=verify-full,sslrootcert=right"),
        Fault::TakesBytesBehindS => axes("reply=stuffed,sslmode=require"),
        Fault::ShowsServerText => axes("reply=error,sslmode=require"),
        Fault::DropsTheBinding => {
            axes("auth=scram-sha-256,sslmode=require,channel-binding=require")
        }
        Fault::HasNoTimeout => axes("reply=silent"),
        Fault::Storms => axes("reply=close,sslmode=require"),
        Fault::ClaimsTls => axes("sslmode=disable"),
        Fault::TakesAnySignature => named("scram=wrong-signature"),
        Fault::TakesAnEarlyEnd => named("scram=early-ok"),
        Fault::CountsWithoutBound => named("scram=many-iterations"),
        // An authentication request of three bytes, its length's four not among them.
        Fault::SubtractsFromTheLength => {
            script(r#"{"startup": [{"send": [{"hex": "5200000003"}]}]}"#)
        }
        // One of a GiB.
        Fault::TrustsTheLength => script(r#"{"startup": [{"send": [{"hex": "5240000000"}]}]}"#),
        Fault::TrustsTheColumns => script(
            r#"{"edits": [{"message": "row_description", "edit": {"replace": [
                {"row_description": {"columns": [{"name": "a", "type": "int4"}, {"name": "b", "type": "int4"}]}}
            ]}}]}"#,
        ),
    }
}

fn axes(axes: &str) -> Provoked {
    let axes: Axes = axes.parse().expect("axes");
    let server = ServerBehaviour::of(&axes);
    Provoked { axes, server }
}

fn scripted(script: Script) -> Provoked {
    let axes = "sslmode=require".parse().expect("axes");
    Provoked { axes, server: ServerBehaviour::scripted(script) }
}

fn named(name: &str) -> Provoked {
    scripted(find(name).expect("a script"))
}

/// The same on each connection.
fn script(conversation: &str) -> Provoked {
    let text = format!(r#"{{"connections": [{conversation}]}}"#);
    scripted(Script::from_json(&text).expect("a script"))
}
