//! The answer to the SSLRequest, and what may follow it.

use pgtls_connector::Phase;
use serde_json::{Value, json};

use crate::server::{
    Server, TEST_TIMEOUT, at_ssl_request, at_startup, connect, error, lines, login, plain,
};

#[tokio::test]
async fn an_error_instead_of_an_answer_ends_everything_and_is_not_shown() {
    for mode in ["prefer", "require", "verify-full"] {
        let server = Server::start(&[at_ssl_request(json!([error("28000", "spoofed")]))]).await;
        let failure = server.fails(&format!("sslmode={mode}")).await;
        assert_eq!(failure.phase(), Phase::Negotiate, "{mode}");
        assert!(!format!("{failure} {failure:?}").contains("spoofed"), "{failure}");
        assert_eq!(server.sent().await, lines(&[&["SSLRequest", "end"]]), "{mode}");
    }
}

#[tokio::test]
async fn wrong_answers_and_none_end_everything() {
    let endings: [(&str, Value); 4] = [
        ("a byte that is none", at_ssl_request(json!([{ "text": "Q" }]))),
        ("closed", json!({ "ssl_request": ["close"] })),
        ("reset", json!({ "ssl_request": ["reset"] })),
        ("closed at once", json!({ "accept": ["close"] })),
    ];
    for (what, conversation) in endings {
        for mode in ["prefer", "require"] {
            let server = Server::start(std::slice::from_ref(&conversation)).await;
            let failure = server.fails(&format!("sslmode={mode}")).await;
            assert_eq!(failure.phase(), Phase::Negotiate, "{what}: {failure}");
            assert_eq!(failure.attempts().len(), 1, "{what}: {failure}");
            assert_eq!(server.sent().await.len(), 1, "{what}: no second connection");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn silence_ends_with_the_timeout_and_no_retry() {
    for (phase, conversation) in [
        (Phase::Negotiate, json!({ "ssl_request": ["silence"] })),
        (Phase::Handshake, at_ssl_request(json!([{ "text": "S" }]))),
    ] {
        let server = Server::start_in_memory(&[conversation]).await;
        let started = tokio::time::Instant::now();
        let connector = server.connector_in_memory("sslmode=prefer connect_timeout=7");
        let failure = connect(connector).await.expect_err("silence");
        assert!(failure.is_timeout() && failure.phase() == phase, "{failure}");
        assert_eq!(started.elapsed().as_secs(), 7);
        assert_eq!(server.connections(), 1);
    }
}

#[tokio::test]
async fn plaintext_behind_s_is_an_injection() {
    let injected = [vec![json!({ "text": "S" })], login(&[])].concat();
    for mode in ["prefer", "require"] {
        let server = Server::start(&[at_ssl_request(json!(injected))]).await;
        let failure = server.fails(&format!("sslmode={mode}")).await;
        assert!(failure.is_injection(), "{failure}");
        assert_eq!(server.sent().await, lines(&[&["SSLRequest", "end"]]), "not even a ClientHello");
    }
}

#[tokio::test]
async fn n_is_final_for_require_and_plaintext_for_prefer() {
    for mode in ["require", "verify-ca", "verify-full"] {
        let server = Server::start(&[plain(&[])]).await;
        let failure = server.fails(&format!("sslmode={mode}")).await;
        assert!(failure.is_tls_refused(), "{failure}");
        assert_eq!(server.sent().await, lines(&[&["SSLRequest", "end"]]), "{mode}");
    }
    let server = Server::start(&[plain(&[])]).await;
    let (client, connection) = server.connect("").await.expect("plaintext");
    assert!(!connection.is_encrypted());
    assert_eq!(connection.parameter("server_version"), Some("18.4"));
    drop(client);
    connection.await.expect("a good end");
    assert_eq!(
        server.sent().await,
        lines(&[&["SSLRequest", "StartupMessage", "Terminate", "end"]])
    );
}

/// With the login in one segment, and with a password request that comes when it may: the clock moves on only when
/// everybody waits, so that the request has arrived before the query is sent, or after.
#[tokio::test(start_paused = true)]
async fn a_login_behind_n_is_taken_and_the_query_goes_out_before_more_is_read() {
    let injected = [vec![json!({ "text": "N" })], login(&[])].concat();
    let conversation = json!({
        "ssl_request": [{ "send": injected }],
        "startup": [
            { "send": ["authentication_cleartext_password"] },
            { "receive": [{ "on": "any", "do": [{ "send": [error("08P01", "no password")] }, "close"] }] },
        ],
    });
    for pause in 0..3 {
        let server = Server::start_in_memory(std::slice::from_ref(&conversation)).await;
        let (client, connection) = connect(server.connector_in_memory("")).await.expect("taken");
        let driver = tokio::spawn(connection);
        tokio::time::sleep(std::time::Duration::from_millis(pause)).await;
        client.simple_query("SELECT 1").await.expect_err("no answer to a query");
        drop(client);
        tokio::time::timeout(TEST_TIMEOUT, driver).await.expect("an end").expect("no panic").ok();
        let sent = server.sent().await.remove(0);
        assert_eq!(sent[..2], ["SSLRequest", "StartupMessage"], "{sent:?}");
        assert!(sent[2].contains("Query"), "{sent:?}");
        assert_eq!(sent[3..], ["end"], "{sent:?}");
    }
}

#[tokio::test]
async fn a_failed_handshake_goes_on_in_plaintext_by_a_new_connection_under_prefer() {
    let garbage = json!({ "ssl_request": [
        { "send": [{ "text": "S" }] },
        { "wait": "client_hello" },
        { "send": [{ "text": "HTTP/1.1 400 Bad Request\r\n\r\n" }] },
        "silence",
    ] });
    let server = Server::start(&[garbage.clone(), plain(&[])]).await;
    let (client, connection) = server.connect("sslmode=prefer").await.expect("plaintext");
    assert!(!connection.is_encrypted());
    drop((client, connection));
    let sent = server.sent().await;
    assert_eq!(sent[0][..2], ["SSLRequest", "ClientHello"]);
    assert_eq!(sent[1][..1], ["StartupMessage"]);

    let server = Server::start(&[garbage]).await;
    let failure = server.fails("sslmode=require").await;
    assert!(failure.is_handshake(), "{failure}");
    assert_eq!(server.sent().await.len(), 1);
}

#[tokio::test]
async fn a_missing_root_ends_verify_modes_after_s_and_before_the_client_hello() {
    for more in ["sslmode=verify-full", "sslmode=verify-ca sslrootcert=/nowhere/root.pem"] {
        let server = Server::start(&[at_ssl_request(json!([{ "text": "S" }]))]).await;
        let failure = server.fails(more).await;
        assert!(failure.is_credentials(), "{failure}");
        assert_eq!(server.sent().await, lines(&[&["SSLRequest", "end"]]));
    }
}

#[tokio::test]
async fn allow_begins_in_plaintext_and_asks_for_tls_when_rejected() {
    let rejected = at_startup(json!([error("28000", "no pg_hba.conf entry")]));
    let server = Server::start(&[rejected, plain(&[])]).await;
    let failure = server.fails("sslmode=allow").await;
    assert!(failure.is_tls_refused(), "{failure}");
    assert_eq!(failure.attempts().len(), 2, "both attempts are told");
    assert!(failure.to_string().contains("no pg_hba.conf entry"), "{failure}");
    assert_eq!(server.sent().await, lines(&[&["StartupMessage", "end"], &["SSLRequest", "end"]]));
}
