//! Plaintext stuffed behind the answer to an SSLRequest: when it comes, and who takes it for session data.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use pgtls_mock_server::{
    MockServer, RuleSpec,
    axes::Reply,
    transcript::{EntryKind, Observation},
};
use support::*;
use tokio::io::AsyncReadExt;

#[tokio::test]
async fn stuffing_comes_with_the_s_and_the_login_inside_is_the_servers_own() {
    let server = replying(Reply::Stuffed).await;
    let mut client = Raw::connect(&server).await;
    client.send(&SSL_REQUEST).await;
    let mut segment = vec![0; 4096];
    let size = within(client.0.read(&mut segment)).await.unwrap();
    assert_eq!(segment[0], b'S');
    assert!(is_injected_login(&segment[1..size]), "one segment: {:?}", &segment[..size]);
    let mut client = client.tls(false).await.unwrap();
    client.send(&startup("any")).await;
    assert_eq!(client.read_message().await, (b'R', vec![0, 0, 0, 3]));
    client.send(&message(b'Q', b"SELECT 1\0")).await;
    assert_eq!(client.read_message().await.0, b'E');
    drop(client);
    let seen = finish(server).await;
    assert_eq!(seen.trace.to_string(), "connect, sslaccept, authfail -> fail");
    let out_of_turn = seen.connections[0].entries.iter().find(
        |entry| matches!(&entry.what, EntryKind::OutOfTurn(words) if words == "Query SELECT 1"),
    );
    assert!(out_of_turn.unwrap().encrypted);
}

#[tokio::test]
async fn stuffing_comes_late_when_the_client_hello_begins() {
    let server = replying(Reply::StuffedLate).await;
    let mut client = Raw::connect(&server).await;
    client.send(&SSL_REQUEST).await;
    assert_eq!(client.read().await, *b"S");
    client.send(&client_hello()[..1]).await;
    let mut bytes = vec![0; 4096];
    let size = within(client.0.read(&mut bytes)).await.unwrap();
    assert!(is_injected_login(&bytes[..size]));
    drop(client);
    assert_eq!(trace(server).await, "connect, sslaccept -> fail");
}

#[tokio::test]
async fn stuffing_behind_n_leaves_a_login_of_the_servers_own() {
    let server = replying(Reply::RefuseStuffed).await;
    let mut client = Raw::connect(&server).await;
    client.send(&SSL_REQUEST).await;
    let mut segment = vec![0; 4096];
    let size = within(client.0.read(&mut segment)).await.unwrap();
    assert_eq!(segment[0], b'N');
    assert!(is_injected_login(&segment[1..size]));
    client.send(&startup("any")).await;
    assert_eq!(client.read_message().await, (b'R', vec![0, 0, 0, 3]));
    client.send(&message(b'Q', b"SELECT 1\0")).await;
    assert_eq!(client.read_message().await.0, b'E');
    drop(client);
    assert_eq!(trace(server).await, "connect, sslreject, authfail -> fail");
}

/// What was entered as out of turn, and whether it was encrypted.
fn out_of_turn(seen: &Observation) -> Vec<(String, bool)> {
    seen.connections
        .iter()
        .flat_map(|connection| &connection.entries)
        .filter_map(|entry| match &entry.what {
            EntryKind::OutOfTurn(words) => Some((words.clone(), entry.encrypted)),
            _ => None,
        })
        .collect()
}

/// Takes the `S` and what is stuffed behind it.
async fn stuffed(server: &MockServer) -> Raw {
    let mut client = Raw::connect(server).await;
    client.send(&SSL_REQUEST).await;
    assert_eq!(client.read().await, *b"S");
    while client.read_message().await.0 != b'Z' {}
    client
}

#[tokio::test]
async fn a_query_in_clear_behind_stuffing_is_out_of_turn() {
    let query = message(b'Q', b"SELECT 1\0");
    for cut in [0, 1, 3, 5, 9] {
        let server = replying(Reply::Stuffed).await;
        let mut client = stuffed(&server).await;
        client.send(&query[..cut]).await;
        let arrived = |seen: &Observation| {
            seen.connections[0].clear_from_client.len() == SSL_REQUEST.len() + cut
        };
        until(&server, arrived).await;
        client.send(&query[cut..]).await;
        client.read_to_end().await;
        drop(client);
        let seen = finish(server).await;
        assert_eq!(seen.trace.to_string(), "connect, sslaccept, junk -> fail");
        assert_eq!(out_of_turn(&seen), [("Query SELECT 1".to_owned(), false)], "{cut}");
    }
    // A farewell, what is no message, and a query where nothing was stuffed.
    for (reply, bytes) in [
        (Reply::Stuffed, &message(b'X', b"")[..]),
        (Reply::Stuffed, b"GET / HTTP/1.1\r\n\r\n"),
        (Reply::Accept, &query),
    ] {
        let server = replying(reply).await;
        let mut client = Raw::connect(&server).await;
        client.send(&SSL_REQUEST).await;
        assert_eq!(client.read().await, *b"S");
        client.send(bytes).await;
        client.read_to_end().await;
        drop(client);
        let seen = finish(server).await;
        assert_eq!(seen.trace.to_string(), "connect, sslaccept, junk -> fail");
        assert_eq!(out_of_turn(&seen), []);
    }
}

#[tokio::test]
async fn where_nothing_was_stuffed_nothing_is_out_of_turn() {
    for reply in [Reply::Stuffed, Reply::StuffedLate, Reply::RefuseStuffed] {
        let server = replying(reply).await;
        let mut client = Raw::connect(&server).await;
        client.send(&[startup("any"), message(b'Q', b"SELECT 1\0")].concat()).await;
        assert_eq!(client.read_message().await.0, b'R');
        client.read_to_end().await;
        drop(client);
        let seen = finish(server).await;
        assert_eq!(seen.trace.to_string(), "connect, authfail -> fail");
        assert_eq!(out_of_turn(&seen), [], "{reply}");
    }
}

#[tokio::test]
async fn a_farewell_in_pieces_is_still_before_the_question() {
    let every_byte = RuleSpec::SplitInbound { at: (0..4000).collect() };
    let server = server().reply(Reply::Stuffed).rules([every_byte]).start().await.unwrap();
    let mut client = stuffed(&server).await.tls(false).await.unwrap();
    // Two records: the first byte of the second is none of its message yet.
    client.send(&startup("any")).await;
    client.send(&message(b'X', b"")).await;
    drop(client);
    let seen = finish(server).await;
    assert_eq!(seen.trace.to_string(), "connect, sslaccept, authfail -> fail");
    assert_eq!(out_of_turn(&seen), [("Terminate".to_owned(), true)]);
}

#[tokio::test]
async fn what_is_no_message_during_a_login_is_entered() {
    for reply in [Reply::Accept, Reply::Stuffed] {
        let server = replying(reply).await;
        let mut client = Raw::connect(&server).await;
        client.send(&SSL_REQUEST).await;
        assert_eq!(client.read().await, *b"S");
        if reply == Reply::Stuffed {
            while client.read_message().await.0 != b'Z' {}
        }
        let mut client = client.tls(false).await.unwrap();
        let bytes = [b'Q', 0x7f, 0xff, 0xff, 0xff];
        client.send(&[&startup("any")[..], &bytes].concat()).await;
        assert_eq!(client.read_message().await.0, b'R');
        assert_eq!(client.read_message().await.0, b'E');
        client.read_to_end().await;
        drop(client);
        let seen = finish(server).await;
        assert_eq!(seen.trace.to_string(), "connect, sslaccept, authfail -> fail");
        assert!(entered(&seen, |what| *what == EntryKind::Junk(bytes.to_vec())), "{reply}");
        assert_eq!(out_of_turn(&seen).len(), usize::from(reply == Reply::Stuffed));
    }
}
