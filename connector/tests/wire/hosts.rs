//! Several hosts: what leads from one to the next, and which session is wanted.

use pgtls_connector::{Connector, Error, Phase};
use serde_json::{Value, json};

use crate::server::{Server, at_startup, connect, error, lines, login, plain};

/// Connects to two servers, and says whether the session is a standby's.
async fn two(
    first: &[Value],
    second: &[Value],
    more: &str,
) -> (Result<bool, Error>, Server, Server) {
    let (first, second) = (Server::start(first).await, Server::start(second).await);
    let text = format!(
        "host=a,b hostaddr=127.0.0.1,127.0.0.1 port={},{} user=u connect_timeout=20 {more}",
        first.port(),
        second.port()
    );
    let result = connect(Connector::from_url(&text).expect("settings")).await;
    let standby = |(_, connection): (_, pgtls_connector::Connection)| {
        connection.parameter("in_hot_standby") == Some("on")
    };
    (result.map(standby), first, second)
}

fn good() -> Value {
    plain(&[])
}

#[tokio::test]
async fn the_next_host_is_tried_for_want_of_an_answer_and_not_for_want_of_a_password() {
    let starting = at_startup(json!([error("57P03", "starting up")]));
    let (result, _, second) =
        two(std::slice::from_ref(&starting), &[good()], "sslmode=disable").await;
    assert!(result.is_ok() && second.connections() == 1);
    let (result, first, _second) = two(&[starting], &[good()], "sslmode=allow").await;
    assert!(result.is_ok() && first.connections() == 1, "57P03 is no reason to ask for TLS");

    let rejected = at_startup(json!([error("28P01", "no")]));
    let (result, _first, second) = two(&[rejected], &[good()], "sslmode=disable").await;
    assert!(result.is_err() && second.connections() == 0);
    let wrong = json!({ "ssl_request": [{ "send": [{ "text": "?" }] }, "silence"] });
    let (result, _first, second) = two(&[wrong], &[good()], "").await;
    assert!(result.is_err() && second.connections() == 0);
}

#[tokio::test(start_paused = true)]
async fn the_next_host_is_tried_where_nothing_comes() {
    let silent = json!({ "startup": ["silence"] });
    let server = Server::start_in_memory(&[silent, good()]).await;
    let connector = server.connector_in_memory("sslmode=disable host=a,b hostaddr=,");
    let (_client, connection) = connect(connector).await.expect("the second host");
    assert!(!connection.is_encrypted());
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_refused_connection_leads_to_the_next_host() {
    let server = Server::start(&[good()]).await;
    let text = format!(
        "host=a,b hostaddr=127.0.0.1,127.0.0.1 port=1,{} user=u sslmode=disable",
        server.port()
    );
    let connected = Connector::from_url(&text).expect("settings").connect().await;
    assert!(connected.is_ok(), "the second");
    let nobody = Connector::from_url("host=127.0.0.1 port=1 user=u").expect("settings");
    let failure = nobody.connect().await.expect_err("none");
    assert!(failure.is_unreachable(), "{failure}");
}

fn standby() -> Value {
    plain(&[("in_hot_standby", "on"), ("default_transaction_read_only", "off")])
}

fn primary() -> Value {
    plain(&[("in_hot_standby", "off"), ("default_transaction_read_only", "off")])
}

fn wanted(attrs: &str) -> String {
    format!("sslmode=disable target_session_attrs={attrs}")
}

/// A server that does not report what it is, and does this when it is asked.
fn asked(steps: Value) -> Value {
    json!({
        "startup": [{ "send": login(&[]) }],
        "session": [{ "on": "query", "do": steps }],
    })
}

#[tokio::test]
async fn target_session_attrs_choose_among_hosts() {
    for (attrs, is_standby) in [
        ("primary", false),
        ("read-write", false),
        ("standby", true),
        ("read-only", true),
        ("prefer-standby", true),
    ] {
        let (result, ..) = two(&[primary()], &[standby()], &wanted(attrs)).await;
        assert_eq!(result.expect("one of them"), is_standby, "{attrs}");
    }
    let (result, first, _second) = two(&[primary()], &[primary()], &wanted("prefer-standby")).await;
    assert_eq!((result.expect("the second choice"), first.connections()), (false, 2));
    let (result, first, _second) = two(&[primary()], &[primary()], &wanted("standby")).await;
    assert_eq!(result.expect_err("none").phase(), Phase::Session);
    assert_eq!(first.sent().await, lines(&[&["StartupMessage", "Terminate", "end"]]));

    let says_on = asked(json!([{ "send": [
        { "row_description": { "columns": [{ "name": "transaction_read_only", "type": "text" }] } },
        { "data_row": { "values": ["on"] } },
        { "command_complete": { "tag": "SHOW" } },
        "ready_for_query",
    ] }]));
    let older = [says_on];
    let (result, ..) = two(&older, &older, &wanted("read-only")).await;
    assert!(result.is_ok(), "older servers are asked");
    let (result, ..) = two(&older, &older, &wanted("read-write")).await;
    assert!(result.is_err());
}

#[tokio::test]
async fn a_server_that_does_not_tell_its_kind_leads_to_the_next_host_and_one_that_goes_away_does_not()
 {
    let lives = json!([{ "send": [error("42704", "no such parameter"), "ready_for_query"] }]);
    let empty = json!([{ "send": [{ "command_complete": { "tag": "SHOW" } }, "ready_for_query"] }]);
    for answer in [lives, empty] {
        let (result, first, _second) =
            two(&[asked(answer)], &[standby()], &wanted("read-only")).await;
        assert!(result.expect("the second host"));
        assert_eq!(first.sent().await, lines(&[&["StartupMessage", "Query", "Terminate", "end"]]));
    }
    let last_words = asked(json!([{ "send": [error("57P01", "bye")] }, "close"]));
    let (result, ..) = two(&[last_words], &[standby()], &wanted("read-only")).await;
    assert!(result.expect("the second host"), "it said why");
    let gone = asked(json!(["close"]));
    let (result, _first, second) = two(&[gone], &[standby()], &wanted("read-only")).await;
    assert_eq!(result.expect_err("no answer").phase(), Phase::Session);
    assert_eq!(second.connections(), 0);
}

#[test]
fn futures_can_be_spawned() {
    fn sendable<T: Send>(value: T) -> T {
        value
    }
    let connector = Connector::from_url("host=localhost").expect("settings");
    drop(sendable(connector.connect()));
    drop(sendable(connector.connect_and_spawn()));
}
