//! Servers that do as a script has it, over TCP.

mod support;

use std::time::Duration;

use pgtls_mock_server::script::Script;
use support::{Raw, finish, within};
use tokio::io::AsyncReadExt as _;

fn script(json: &str) -> Script {
    Script::from_json(json).expect("a script")
}

/// On one thread: whoever is served without end leaves room for the others.
#[tokio::test]
async fn a_script_without_end_ends_with_its_deadline_and_starves_nobody() {
    let endless = r#"{"connections": [
        {"accept": [{"repeat": {"times": 4294967295, "steps": [{"send": []}]}}]},
        {"accept": [{"send": [{"text": "served"}]}, "close"]}
    ]}"#;
    let server = support::server()
        .script(script(endless))
        .deadline(Duration::from_millis(300))
        .start()
        .await
        .expect("a server");
    let mut first = Raw::connect(&server).await;
    let mut second = Raw::connect(&server).await;
    assert_eq!(second.read_to_end().await, b"served");
    // Whether by FIN or by RST: it is over.
    let _ = within(first.0.read_to_end(&mut Vec::new())).await;
    let seen = finish(server).await;
    assert_eq!(seen.connections.len(), 2);
}

#[tokio::test]
async fn connections_differ_and_the_last_one_holds_for_all_behind_it() {
    let by_turns = r#"{"connections": [
        {"accept": [{"send": [{"text": "a"}]}, "close"]},
        {"accept": [{"send": [{"hex": "62 62"}]}, "close"]}
    ]}"#;
    let server = support::server().script(script(by_turns)).start().await.expect("a server");
    for wanted in [&b"a"[..], b"bb", b"bb"] {
        let mut client = Raw::connect(&server).await;
        assert_eq!(client.read_to_end().await, wanted);
    }
}
