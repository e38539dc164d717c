//! Logins that the server rejects, or that we break off.

use pgtls_connector::Phase;
use serde_json::{Value, json};

use crate::server::{Server, at_startup, error, lines};

#[tokio::test]
async fn only_an_error_before_authentication_ok_leads_to_another_attempt() {
    let endings: [(&str, Value); 5] = [
        (
            "after AuthenticationOk",
            json!(["authentication_ok", error("3D000", "no such database")]),
        ),
        ("a notice first", json!([{ "notice_response": { "message": "hello" } }])),
        ("an error of version 2", json!([{ "text": "EFATAL: too old\n\0" }])),
        ("a parameter first", json!([{ "parameter_status": { "name": "a", "value": "b" } }])),
        ("protocol negotiation", json!(["negotiate_protocol_version"])),
    ];
    for (what, send) in endings {
        let server = Server::start(&[at_startup(send)]).await;
        let failure = server.fails("sslmode=allow").await;
        assert_eq!(
            (failure.phase(), failure.attempts().len()),
            (Phase::Login, 1),
            "{what}: {failure}"
        );
        assert_eq!(server.connections(), 1, "{what}");
    }
    let server = Server::start(&[json!({ "startup": ["close"] })]).await;
    assert_eq!(server.fails("sslmode=allow").await.attempts().len(), 1, "closed");
    let asks = at_startup(json!(["authentication_cleartext_password"]));
    let server = Server::start(std::slice::from_ref(&asks)).await;
    let failure = server.fails("sslmode=allow password=''").await;
    assert_eq!(failure.attempts().len(), 1, "no password");
    let server = Server::start(&[asks]).await;
    let failure = server.fails("sslmode=allow channel_binding=require").await;
    assert_eq!(failure.attempts().len(), 1, "{failure}");
    assert_eq!(
        server.sent().await,
        lines(&[&["StartupMessage", "end"]]),
        "the password stays here"
    );
}

#[tokio::test]
async fn a_login_that_we_break_off_is_not_rejected_though_the_server_rejects_it_in_the_same_segment()
 {
    for refused in ["channel_binding=require", "password=''"] {
        for code in ["28000", "57P03"] {
            let both = json!(["authentication_cleartext_password", error(code, "no")]);
            let server = Server::start(&[at_startup(both)]).await;
            let failure = server.fails(&format!("sslmode=allow {refused}")).await;
            assert_eq!(failure.attempts().len(), 1, "{refused} {code}: {failure}");
            assert_eq!(server.connections(), 1, "{refused} {code}");
        }
    }
}

#[tokio::test]
async fn a_rejected_login_is_told_with_what_the_server_said() {
    let server = Server::start(&[json!({ "startup": [
        { "send": ["authentication_cleartext_password"] },
        { "receive": [{ "on": "password_message", "do": [{ "send": [error("28P01", "wrong")] }] }] },
        "silence",
    ] })])
    .await;
    let failure = server.fails("sslmode=disable").await;
    assert!(failure.is_rejected(), "{failure}");
    assert_eq!(failure.db_error().map(|error| error.code().code()), Some("28P01"));
    let said = std::error::Error::source(&failure).and_then(std::error::Error::source);
    assert!(said.is_some_and(|said| said.to_string().contains("wrong")), "{failure}");
}
