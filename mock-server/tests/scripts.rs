//! Servers that do as a script has it, over TCP.

mod support;

use std::time::Duration;

use pgtls_mock_server::{
    MockServer,
    axes::Auth,
    script::Script,
    transcript::{Entry, EntryKind},
};
use support::{Raw, SSL_REQUEST, TlsClient, client_hello, finish, startup, within};
use tokio::{io::AsyncReadExt as _, time::Instant};
use tokio_rustls::TlsConnector;

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

/// A script's `idle_timeout_ms` is so long here.
const IDLE: Duration = Duration::from_millis(700);

async fn idle_server(conversation: &str) -> MockServer {
    let json = format!(r#"{{"idle_timeout_ms": 700, "connections": [{conversation}]}}"#);
    let server = support::server().auth(Auth::Trust).script(script(&json));
    server.start_in_memory().await.expect("a server")
}

/// Wherever a server waits for the client, waiting ends in good order, and begins anew with
/// whatever comes.
#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing_is_left_after_the_idle_timeout() {
    let _ = support::authority();
    let hello = client_hello();
    let startup = startup("somebody");
    for (conversation, flights) in [
        ("{}", &[][..]),
        ("{}", &[&SSL_REQUEST[..4]]),
        ("{}", &[&SSL_REQUEST[..]]),
        ("{}", &[&SSL_REQUEST[..], &hello[..100]]),
        ("{}", &[&SSL_REQUEST[..], &hello[..]]),
        ("{}", &[&startup[..]]),
        (r#"{"startup": [{"send": ["welcome"]}]}"#, &[&startup[..]]),
        (r#"{"startup": [{"send": ["welcome"]}]}"#, &[&startup[..], b"Q\0\0"]),
        (r#"{"startup": [{"send": ["welcome"]}, {"receive": []}]}"#, &[&startup[..]]),
        (r#"{"accept": [{"wait": "byte"}]}"#, &[]),
        (r#"{"accept": ["handshake"]}"#, &[]),
    ] {
        let server = idle_server(conversation).await;
        let stream = within(server.dialer().expect("in memory").dial()).await.expect("a stream");
        let mut client = Raw(stream);
        let begun = Instant::now();
        for (number, flight) in flights.iter().enumerate() {
            if number > 0 {
                tokio::time::sleep(IDLE / 2).await;
            }
            client.send(flight).await;
        }
        client.read_to_end().await;
        let waits = 2 + u32::try_from(flights.len().saturating_sub(1)).expect("a few");
        assert_eq!(begun.elapsed(), IDLE / 2 * waits, "{conversation} {flights:?}");
        let seen = finish(server).await;
        let timed_out = |entry: &&Entry| entry.what == EntryKind::TimedOut;
        let entries = &seen.connections[0].entries;
        assert_eq!(entries.iter().filter(timed_out).count(), 1, "{entries:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_inside_tls_is_closed_with_its_goodbye() {
    let server = idle_server(r#"{"startup": [{"send": ["welcome"]}]}"#).await;
    let stream = within(server.dialer().expect("in memory").dial()).await.expect("a stream");
    let mut client = Raw(stream);
    client.send(&SSL_REQUEST).await;
    assert_eq!(client.read().await, *b"S");
    let name = "localhost".try_into().expect("a name");
    let tls = TlsConnector::from(TlsClient::default().config()).connect(name, client.0);
    let mut client = Raw(within(tls).await.expect("TLS"));
    client.send(&startup("somebody")).await;
    let begun = Instant::now();
    // An end without close_notify would be an error.
    assert!(client.read_to_end().await.starts_with(b"R\0\0\0\x08"));
    assert_eq!(begun.elapsed(), IDLE);
    assert_eq!(finish(server).await.trace.to_string(), "connect, sslaccept, authok -> fail");
}

/// What is silent on purpose, or busy, does not wait for the client.
#[tokio::test(start_paused = true)]
async fn only_waits_for_the_client_end_with_the_idle_timeout() {
    for conversation in [
        r#"{"accept": ["silence"]}"#,
        r#"{"accept": [{"wait": {"milliseconds": 60000}}]}"#,
        r#"{"ssl_request": ["silence"]}"#,
    ] {
        let server = idle_server(conversation).await;
        let stream = within(server.dialer().expect("in memory").dial()).await.expect("a stream");
        let mut client = Raw(stream);
        client.send(&SSL_REQUEST).await;
        let silent = tokio::time::timeout(2 * IDLE, client.0.read_u8()).await;
        assert!(silent.is_err(), "{conversation}: {silent:?}");
    }
}
