//! The guard: what it waits for, what it stops, and what it tells.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    future::poll_fn,
    io::{Read, Write},
    net::TcpStream as StdStream,
    pin::Pin,
    time::{Duration, Instant},
};

use futures_core::Stream;
use pgtls_harness::{Direction, Layer, Seed, rules::RuleSpec};
use pgtls_mock_server::{
    Error, MockServer,
    axes::{Auth, Certificate, Key, Reply, ServerAxes},
    transcript::{EntryKind, Sender},
};
use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// On one thread: nothing is accepted before the test itself waits.
#[tokio::test]
async fn connections_in_the_accept_queue_are_counted_in_their_order() {
    let server = server().reply(Reply::Refuse).start().await.unwrap();
    let connect = || StdStream::connect(server.address()).unwrap();
    connect().write_all(&SSL_REQUEST).unwrap();
    drop(connect());
    connect().write_all(&startup("any")).unwrap();
    assert_eq!(trace(server).await, "connect, sslreject, reconnect, reconnect, authquit -> fail");
}

#[tokio::test]
async fn finishing_waits_for_what_the_client_still_does() {
    let server = server().reply(Reply::Refuse).start().await.unwrap();
    let address = server.address();
    let client = std::thread::spawn(move || {
        let mut client = StdStream::connect(address).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client.write_all(&SSL_REQUEST).unwrap();
        client.read_exact(&mut [0]).unwrap();
        client.write_all(&startup("any")).unwrap();
        client.read_exact(&mut [0; 9]).unwrap();
    });
    until(&server, |seen| !seen.connections.is_empty()).await;
    assert_eq!(trace(server).await, "connect, sslreject, authquit -> fail");
    client.join().unwrap();
}

#[tokio::test]
async fn finishing_cuts_those_who_stay() {
    let server = server().start().await.unwrap();
    let mut client = Raw::connect(&server).await;
    client.send(&startup("any")).await;
    assert_eq!(client.read_message().await.0, b'R');
    let before = Instant::now();
    let seen = server.finish(Duration::from_millis(50)).await;
    assert!(before.elapsed() < Duration::from_secs(5));
    assert_eq!(seen.trace.to_string(), "connect, authquit -> fail");
    assert_eq!(client.read_to_end().await, b"");
}

#[tokio::test]
async fn a_deadline_ends_a_connection_and_says_so() {
    let server = server().deadline(Duration::from_millis(30)).start().await.unwrap();
    let mut client = Raw::connect(&server).await;
    client.send(&startup("any")).await;
    assert_eq!(client.read_message().await.0, b'R');
    assert_eq!(client.read_to_end().await, b"");
    let seen = finish(server).await;
    assert_eq!(seen.trace.to_string(), "connect, authquit -> fail");
    let entries = &seen.connections[0].entries;
    assert!(entries.iter().any(|entry| entry.what == EntryKind::TimedOut), "{entries:#?}");
}

#[tokio::test]
async fn dropping_the_guard_frees_port_and_tasks() {
    let metrics = tokio::runtime::Handle::current().metrics();
    let before = metrics.num_alive_tasks();
    let server = server().reply(Reply::Silent).start().await.unwrap();
    let address = server.address();
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = Raw::connect(&server).await;
        client.send(&SSL_REQUEST).await;
        clients.push(client);
    }
    until(&server, |seen| seen.connections.len() == 3).await;
    assert_eq!(metrics.num_alive_tasks(), before + 4);
    drop(server);
    for client in &mut clients {
        // FIN or RST: gone either way.
        let _ = within(client.0.read_u8()).await.unwrap_err();
    }
    within(async {
        while metrics.num_alive_tasks() > before {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(StdStream::connect(address).is_err());
}

#[tokio::test]
async fn connections_are_told_as_they_end() {
    let server = server().reply(Reply::Refuse).start().await.unwrap();
    let mut connections = server.subscribe();
    let mut first = Raw::connect(&server).await;
    first.send(&SSL_REQUEST).await;
    assert_eq!(first.read().await, *b"N");
    drop(Raw::connect(&server).await);
    let ended = within(connections.next()).await.unwrap();
    assert_eq!((ended.number, ended.observation.trace.to_string()), (1, "connect -> fail".into()));
    drop(first);
    let ended = within(connections.next()).await.unwrap();
    assert_eq!(ended.number, 0);
    assert_eq!(ended.observation.trace.to_string(), "connect, sslreject -> fail");
    drop(server);
    assert_eq!(within(connections.next()).await, None);
    // A stream as others are; its own `next` needs no trait.
    let ended = poll_fn(|cx| Pin::new(&mut connections).poll_next(cx));
    assert_eq!(within(ended).await, None);
}

#[tokio::test]
async fn certificates_can_be_swapped_while_it_runs() {
    let server = server().start().await.unwrap();
    for certificate in [Certificate::Valid, Certificate::SelfSigned, Certificate::WithIntermediate]
    {
        server.set_certificate(certificate).unwrap();
        let client = Raw::connect(&server).await.tls(true).await.unwrap();
        let (_, session) = client.0.get_ref();
        let shown = session.peer_certificates().unwrap()[0].clone();
        assert_eq!(shown, leaf(certificate, Key::P256), "{certificate}");
    }
    server.set_axes(ServerAxes { reply: Reply::Refuse, ..server.axes() }).unwrap();
    let mut client = Raw::connect(&server).await;
    client.send(&SSL_REQUEST).await;
    assert_eq!(client.read().await, *b"N");
}

#[tokio::test]
async fn rules_act_on_the_wire_and_recordings_show_both_layers() {
    let server = server()
        .auth(Auth::Trust)
        .rules([RuleSpec::SplitInbound { at: vec![1, 3] }, RuleSpec::TruncateOutbound { at: 1 }])
        .record(1 << 20)
        .start()
        .await
        .unwrap();
    let mut client = Raw::connect(&server).await;
    client.send(&SSL_REQUEST).await;
    assert_eq!(client.read().await, *b"S");
    client.send(&client_hello()).await;
    within(client.0.shutdown()).await.unwrap();
    assert_eq!(client.read_to_end().await, b"", "the server's flight is lost");
    drop(client);
    let seen = finish(server).await;
    let recording = &seen.connections[0].recording;
    assert_eq!(recording.iter().next().unwrap().bytes.len(), 1);
    assert_eq!(recording.concat(Direction::Outbound, Layer::Wire), b"S");

    let server = server_that_records().await;
    let mut client = Raw::connect(&server).await.tls(true).await.unwrap();
    client.send(&startup("any")).await;
    assert_eq!(client.read_message().await.0, b'R');
    drop(client);
    let seen = finish(server).await;
    let recording = &seen.connections[0].recording;
    assert_eq!(recording.concat(Direction::Inbound, Layer::Session), startup("any"));
    assert_eq!(recording.concat(Direction::Inbound, Layer::Wire)[0], 22);
}

#[tokio::test]
async fn what_a_rule_ends_the_client_did_not_end() {
    for (rule, end) in [
        (RuleSpec::ResetInbound { at: 3 }, EntryKind::Reset),
        (RuleSpec::ResetOutbound { at: 0 }, EntryKind::Reset),
        (RuleSpec::HalfCloseInbound { at: 8 }, EntryKind::Closed),
    ] {
        let server = server().rules([rule.clone()]).start().await.unwrap();
        let mut client = Raw::connect(&server).await;
        client.send(&[SSL_REQUEST, SSL_REQUEST].concat()).await;
        // FIN or RST, behind an `S` or not.
        let _ = within(client.0.read_to_end(&mut Vec::new())).await;
        drop(client);
        let seen = finish(server).await;
        let entries = &seen.connections[0].entries;
        let ends: Vec<Sender> =
            entries.iter().filter(|entry| entry.what == end).map(|entry| entry.sender).collect();
        assert_eq!(ends, [Sender::Server], "{rule:?}: {entries:#?}");
    }
}

async fn server_that_records() -> MockServer {
    server().record(1 << 20).start().await.unwrap()
}

#[tokio::test]
async fn one_seed_draws_one_salt() {
    let mut salts = Vec::new();
    for seed in [1, 1, 2] {
        let server = server().auth(Auth::Md5).seed(Seed::new(seed)).start().await.unwrap();
        let mut client = Raw::connect(&server).await;
        client.send(&startup("any")).await;
        salts.push(client.read_message().await);
    }
    assert_eq!(salts[0], salts[1]);
    assert_ne!(salts[0], salts[2]);
}

#[tokio::test]
async fn a_taken_port_is_an_error() {
    let first = server().start().await.unwrap();
    let error = server().bind(first.address()).start().await.unwrap_err();
    assert!(matches!(error, Error::Listen(_)), "{error:?}");
    assert!(error.to_string().contains(&first.address().to_string()));
}

#[tokio::test]
async fn hosts_are_named_by_what_their_certificates_hold() {
    for (address, host, url) in [
        ("127.0.0.1:0", "localhost", "localhost"),
        ("0.0.0.0:0", "localhost", "localhost"),
        ("127.0.0.2:0", "127.0.0.2", "127.0.0.2"),
        ("[::1]:0", "::1", "[::1]"),
        ("[::]:0", "localhost", "localhost"),
    ] {
        // Not every machine has every address.
        let Ok(server) = server().bind(address.parse().unwrap()).start().await else { continue };
        assert_eq!(server.host(), host, "{address}");
        let url = format!("@{url}:{}/postgres", server.address().port());
        assert!(server.base_url().ends_with(&url), "{}", server.base_url());
    }
}

#[tokio::test]
async fn urls_say_where_and_how() {
    let server = server().password("p@ss/word").start().await.unwrap();
    let port = server.address().port();
    assert_eq!(
        server.url("require"),
        format!("postgresql://any:p%40ss%2Fword@localhost:{port}/postgres?sslmode=require")
    );
    let root = server.ca_path();
    assert!(root.is_file());
    assert!(server.url("verify-full").ends_with(&format!("&sslrootcert={}", root.display())));
}

#[tokio::test]
async fn history_is_bounded() {
    let server = server().reply(Reply::Refuse).history(2).start().await.unwrap();
    for _ in 0..3 {
        let mut client = Raw::connect(&server).await;
        client.send(&SSL_REQUEST).await;
        assert_eq!(client.read().await, *b"N");
    }
    drop(Raw::connect(&server).await);
    let seen = finish(server).await;
    assert_eq!(seen.trace.to_string(), "connect, sslreject, reconnect -> fail");
    assert_eq!(seen.forgotten, 2);
}

#[tokio::test]
async fn a_storm_is_left_at_the_door() {
    let server = MockServer::builder().most_connections(3).start().await.expect("a server");
    let mut clients = Vec::new();
    for _ in 0..10 {
        clients.push(tokio::net::TcpStream::connect(server.address()).await.expect("the backlog"));
    }
    drop(clients);
    let seen = server.finish(std::time::Duration::from_secs(5)).await;
    assert_eq!(seen.connections.len(), 3);
}
