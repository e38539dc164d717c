//! Cancel requests; their bytes are looked at in `tests/dial.rs`.

use std::time::Duration;

use pgtls_connector::Phase;
use serde_json::json;

use crate::server::{Server, connect, plain};

#[tokio::test]
async fn a_cancel_request_goes_where_the_connection_went() {
    let server = Server::start(&[plain(&[])]).await;
    let (client, connection) = server.connect("").await.expect("plaintext");
    let token = connection.cancel_token();
    drop((client, connection));
    token.cancel().await.expect("sent");
    let sent = server.sent().await;
    assert_eq!(sent[1][..2], ["SSLRequest", "CancelRequest"]);
}

#[tokio::test]
async fn without_a_key_no_cancel_request_sets_out() {
    let keyless = json!({ "startup": [{ "send": ["authentication_ok", "ready_for_query"] }] });
    let server = Server::start(&[keyless]).await;
    let (client, connection) = server.connect("sslmode=disable").await.expect("plaintext");
    let token = connection.cancel_token();
    drop((client, connection));
    let failure = token.cancel().await.expect_err("no key");
    assert_eq!(failure.phase(), Phase::Cancel, "{failure}");
    assert_eq!(server.sent().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_request_has_a_deadline() {
    let silent = json!({
        "startup": [{ "send": ["welcome"] }],
        "cancel_request": ["silence"],
    });
    let server = Server::start_in_memory(&[silent]).await;
    let connector = server.connector_in_memory("sslmode=disable connect_timeout=0");
    let (client, connection) = connect(connector).await.expect("plaintext");
    let token = connection.cancel_token();
    drop((client, connection));
    let started = tokio::time::Instant::now();
    let failure = token.cancel_within(Duration::from_millis(200)).await.expect_err("no end");
    assert!(failure.is_timeout() && failure.phase() == Phase::Cancel, "{failure}");
    assert_eq!(started.elapsed().as_millis(), 200);
    let started = tokio::time::Instant::now();
    assert!(token.cancel().await.expect_err("no end").is_timeout());
    assert_eq!(started.elapsed().as_secs(), 10, "also where none is set");
}
