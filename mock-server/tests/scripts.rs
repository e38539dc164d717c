//! Servers that do as a script has it, over TCP.

mod support;

use std::time::Duration;

use pgtls_mock_server::{script::Script, transcript::EntryKind};
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

/// In the login's section and in the session's; and the session behind goes on.
#[tokio::test]
async fn a_query_that_steps_answer_is_the_cells_query() {
    let answer = r#"{"send": [
        {"row_description": {"columns": [{"name": "n", "type": "int4"}]}},
        {"data_row": {"values": ["{number}"]}},
        {"command_complete": {"tag": "SELECT 1"}},
        "ready_for_query"
    ]}"#;
    let case = format!(r#"{{"on": "query", "do": [{answer}]}}"#);
    for section in [
        format!(r#""startup": [{{"send": ["welcome"]}}, {{"receive": [{case}]}}]"#),
        format!(r#""startup": [{{"send": ["welcome"]}}], "session": [{case}]"#),
    ] {
        let script = script(&format!(r#"{{"connections": [{{{section}}}]}}"#));
        let server = support::server().script(script).query_number(4711).start().await;
        let server = server.expect("a server");
        let url = server.url("disable");
        let (client, connection) =
            within(tokio_postgres::connect(&url, tokio_postgres::NoTls)).await.expect("a login");
        let driver = tokio::spawn(connection);
        for _ in 0..2 {
            let rows = within(client.simple_query("SELECT 4711")).await.expect("an answer");
            let number = rows.iter().find_map(|row| match row {
                tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
                _ => None,
            });
            assert_eq!(number, Some("4711"));
        }
        drop(client);
        within(driver).await.expect("no panic").expect("a good end");
        let seen = finish(server).await;
        assert_eq!(seen.trace.to_string(), "connect, authok -> plain", "{section}");
        let entries = seen.connections[0].entries.iter();
        let queries = entries.filter(|entry| matches!(entry.what, EntryKind::Query(_)));
        assert_eq!(queries.count(), 2, "{section}");
    }
}
