//! The in-memory pair ends as TCP does: each way of ending it is tried over a loopback, too.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{io::ErrorKind, time::Duration};

use pgtls_harness::{Listener, Transport, Wire, memory};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

/// No wait of a test is without an end.
async fn within<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(10), future).await.expect("it ends in time")
}

/// Tells how reading and writing end at the other end.
async fn seen<S: Transport>(mut stream: S) -> (Vec<u8>, Result<(), ErrorKind>, ErrorKind) {
    let mut read = Vec::new();
    let ended = within(stream.read_to_end(&mut read)).await;
    // Over TCP the first write may be what finds out that nobody is there.
    let mut written = Ok(());
    within(async {
        while written.is_ok() {
            written = stream.write_all(b"x").await;
            tokio::task::yield_now().await;
        }
    })
    .await;
    (read, ended.map(drop).map_err(|error| error.kind()), written.unwrap_err().kind())
}

/// The ways of ending a connection; each after `abc` was sent, and `q` received.
const ENDS: [&str; 4] = ["dropped", "dropped with bytes unread", "reset", "reset by the wire"];

async fn end(mut stream: impl Transport + 'static, how: &str) {
    within(stream.write_all(b"abc")).await.unwrap();
    if how != "dropped with bytes unread" {
        assert_eq!(within(stream.read_u8()).await.unwrap(), b'q');
    }
    match how {
        "reset" => Box::new(stream).reset(),
        "reset by the wire" => Wire::new(stream).reset(),
        _ => drop(stream),
    }
}

#[tokio::test]
async fn what_the_peer_sees_of_an_end() {
    for how in ENDS {
        let (mut client, server) = memory::pair();
        within(client.write_all(b"q")).await.unwrap();
        end(server, how).await;
        let (read, ended, written) = seen(client).await;
        assert_eq!(read, b"abc", "{how}");
        let wanted = match how {
            "dropped" => (Ok(()), ErrorKind::BrokenPipe),
            _ => (Err(ErrorKind::ConnectionReset), ErrorKind::ConnectionReset),
        };
        assert_eq!((ended, written), wanted, "{how}");
    }
}

/// What this kernel does is what the pair was made after; after an error that was told, the kernel
/// calls the rest a broken pipe, and the pair goes on calling it a reset.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_loopback_shows_the_same() {
    for how in ENDS {
        let listener = within(TcpListener::bind("127.0.0.1:0")).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut client = within(TcpStream::connect(address)).await.unwrap();
        let (server, _) = within(listener.accept()).await.unwrap();
        within(client.write_all(b"q")).await.unwrap();
        within(server.readable()).await.unwrap();
        end(server, how).await;
        let (read, ended, _) = seen(client).await;
        assert_eq!(read, b"abc", "{how}");
        let is_reset = ended == Err(ErrorKind::ConnectionReset);
        assert_eq!(is_reset, how != "dropped", "{how}: {ended:?}");
    }
}

#[tokio::test]
async fn each_direction_closes_alone() {
    let (mut client, mut server) = memory::pair();
    within(client.write_all(b"question")).await.unwrap();
    within(client.shutdown()).await.unwrap();
    assert_eq!(within(client.write(b"more")).await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    let mut question = String::new();
    within(server.read_to_string(&mut question)).await.unwrap();
    assert_eq!(question, "question");
    within(server.write_all(b"answer")).await.unwrap();
    drop(server);
    let mut answer = String::new();
    within(client.read_to_string(&mut answer)).await.unwrap();
    assert_eq!(answer, "answer");
}

#[tokio::test(start_paused = true)]
async fn a_writer_waits_for_room() {
    let (mut client, mut server) = memory::pair_with_capacity(4);
    let second = Duration::from_secs(1);
    assert!(timeout(second, client.write_all(b"abcdef")).await.is_err());
    let mut first = [0; 3];
    within(server.read_exact(&mut first)).await.unwrap();
    within(client.write_all(b"ghi")).await.unwrap();
    drop(client);
    let mut rest = Vec::new();
    within(server.read_to_end(&mut rest)).await.unwrap();
    assert_eq!([&first[..], &rest].concat(), b"abcdghi");
}

/// Whoever waits is woken by either kind of end.
#[tokio::test]
async fn waits_end_with_the_connection() {
    for resets in [false, true] {
        let (client, server) = memory::pair_with_capacity(1);
        let (mut reading, mut writing) = tokio::io::split(client);
        let reading = tokio::spawn(async move { reading.read_u8().await.unwrap_err().kind() });
        let writing = tokio::spawn(async move { writing.write_all(b"ab").await });
        tokio::task::yield_now().await;
        if resets {
            Box::new(server).reset();
        } else {
            drop(server);
        }
        assert!(within(writing).await.unwrap().is_err());
        // The server's end had bytes unread: dropping it is a reset as well.
        assert_eq!(within(reading).await.unwrap(), ErrorKind::ConnectionReset);
    }
}

#[tokio::test]
async fn a_dialler_waits_where_too_many_wait() {
    let (listener, dialer) = Listener::in_memory("127.0.0.1:5432".parse().unwrap());
    let mut clients = Vec::new();
    for _ in 0..1024 {
        clients.push(within(dialer.dial()).await.unwrap());
    }
    let waiting = tokio::spawn(async move { dialer.dial().await.map(drop) });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    let (_wire, peer) = within(listener.accept()).await.unwrap();
    assert_eq!(peer, listener.address());
    within(waiting).await.unwrap().unwrap();
}
