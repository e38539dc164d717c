//! A server without a socket: clients in this process, and tokio's clock.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    io::ErrorKind,
    sync::Arc,
    time::{Duration, Instant},
};

use pgtls_mock_server::{
    MemoryStream, MockServer, RuleSpec, Seed,
    axes::{Auth, Reply, ServerAxes},
    trace::Event,
    transcript::EntryKind,
};
use support::{Raw, SSL_REQUEST, TlsClient, finish, server, startup, trace, within};
use tokio_postgres::{Config, config::SslMode};

async fn dial(server: &MockServer) -> MemoryStream {
    within(server.dialer().unwrap().dial()).await.unwrap()
}

fn config(server: &MockServer, mode: SslMode) -> Config {
    let mut config: Config = server.base_url().parse().unwrap();
    config.ssl_mode(mode);
    config
}

/// Logs in, asks, and leaves.
async fn query(server: &MockServer, mode: SslMode) {
    let tls = TlsClient::default();
    let stream = dial(server).await;
    let (client, connection) = within(config(server, mode).connect_raw(stream, tls)).await.unwrap();
    let connection = tokio::spawn(connection);
    within(client.simple_query("SELECT 1")).await.unwrap();
    drop(client);
    within(connection).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_driver_logs_in_with_tls_and_without() {
    for (mode, wanted) in [
        (SslMode::Disable, "connect, authok -> plain"),
        (SslMode::Require, "connect, sslaccept, authok -> ssl"),
    ] {
        for auth in [Auth::Trust, Auth::Md5, Auth::ScramSha256Plus] {
            if auth == Auth::ScramSha256Plus && mode == SslMode::Disable {
                continue;
            }
            let server = server().auth(auth).start_in_memory().await.unwrap();
            query(&server, mode).await;
            assert_eq!(trace(server).await, wanted, "{auth}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn silence_costs_no_time() {
    let _ = support::authority();
    let begun = Instant::now();
    let server = server().reply(Reply::Silent).start_in_memory().await.unwrap();
    let stream = dial(&server).await;
    let config = config(&server, SslMode::Require);
    let waited = tokio::time::Instant::now();
    let connect = config.connect_raw(stream, TlsClient::default());
    assert!(tokio::time::timeout(Duration::from_secs(2), connect).await.is_err());
    assert_eq!(waited.elapsed().as_secs(), 2);
    let seen = finish(server).await;
    assert_eq!(seen.trace.to_string(), "connect -> fail");
    assert!(seen.connections[0].entries.last().unwrap().at >= Duration::from_secs(2));
    let took = begun.elapsed();
    println!("two seconds of silence took {took:?}");
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn deadlines_go_by_the_paused_clock() {
    let server = server().deadline(Duration::from_secs(3600)).start_in_memory().await.unwrap();
    let mut client = Raw(dial(&server).await);
    let begun = tokio::time::Instant::now();
    assert_eq!(tokio::io::AsyncReadExt::read(&mut client.0, &mut [0]).await.unwrap(), 0);
    assert_eq!(begun.elapsed().as_secs(), 3600);
}

/// The proof is computed on a thread of its own, in real time: the clock waits for it.
#[tokio::test(start_paused = true)]
async fn a_login_in_paused_time_is_no_timeout() {
    let server = server().auth(Auth::ScramSha256).start_in_memory().await.unwrap();
    let login = query(&server, SslMode::Require);
    tokio::time::timeout(Duration::from_secs(2), login).await.unwrap();
    assert_eq!(trace(server).await, "connect, sslaccept, authok -> ssl");
}

/// Where nothing arrives any more, the server's own bounds end the connection.
#[tokio::test(start_paused = true)]
async fn a_stalled_connection_ends_with_its_deadline() {
    for rule in [RuleSpec::StallInbound { at: 8 }, RuleSpec::StallOutbound { at: 1 }] {
        let server = server().auth(Auth::Trust).rules([rule.clone()]);
        let server = server.deadline(Duration::from_secs(60)).start_in_memory().await.unwrap();
        let stream = dial(&server).await;
        let config = config(&server, SslMode::Require);
        let connect = config.connect_raw(stream, TlsClient::default());
        assert!(tokio::time::timeout(Duration::from_secs(2), connect).await.is_err(), "{rule:?}");
        let begun = tokio::time::Instant::now();
        let seen = server.finish(Duration::from_secs(600)).await;
        assert_eq!(begun.elapsed().as_secs(), 58, "{rule:?}");
        assert_eq!(seen.connections[0].entries.last().unwrap().what, EntryKind::TimedOut);
    }
}

/// Slow lines and lost order change no answer.
#[tokio::test(start_paused = true)]
async fn a_driver_logs_in_over_a_slow_line() {
    let rate = 2000.try_into().unwrap();
    let rules = [
        RuleSpec::BandwidthInbound { bytes_per_second: rate },
        RuleSpec::BandwidthOutbound { bytes_per_second: rate },
        RuleSpec::JitterOutbound { seed: Seed::new(1), most_milliseconds: 300 },
        RuleSpec::CoalesceOutbound { at: 0, length: 1 },
    ];
    let begun = tokio::time::Instant::now();
    let server = server().auth(Auth::ScramSha256).rules(rules).start_in_memory().await.unwrap();
    query(&server, SslMode::Require).await;
    assert!(begun.elapsed() > Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(trace(server).await, "connect, sslaccept, authok -> ssl");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_clients_at_a_time_are_all_served() {
    let server = Arc::new(server().auth(Auth::Trust).start_in_memory().await.unwrap());
    let mut clients = tokio::task::JoinSet::new();
    for number in 0..100 {
        let server = Arc::clone(&server);
        let mode = if number % 2 == 0 { SslMode::Disable } else { SslMode::Require };
        clients.spawn(async move { query(&server, mode).await });
    }
    while let Some(client) = within(clients.join_next()).await {
        client.unwrap();
    }
    let seen = finish(Arc::into_inner(server).unwrap()).await;
    assert_eq!(seen.connections.len(), 100);
    assert!(seen.trace.connections.iter().all(|events| events.contains(&Event::AuthOk)));
}

/// What was dialled before the end is part of what the client did.
#[tokio::test]
async fn what_was_dialled_before_the_end_counts() {
    let server = server().auth(Auth::Trust).start_in_memory().await.unwrap();
    let dialer = server.dialer().unwrap();
    let mut clients = Vec::new();
    for _ in 0..5 {
        let mut client = Raw(dialer.dial().await.unwrap());
        client.send(&startup("somebody")).await;
        clients.push(client);
    }
    let reading = tokio::spawn(async move {
        for client in &mut clients {
            assert_eq!(client.read_message().await.0, b'R');
        }
    });
    let seen = finish(server).await;
    within(reading).await.unwrap();
    assert_eq!(seen.connections.len(), 5);
    assert!(seen.trace.connections.iter().all(|events| events.len() == 1), "{}", seen.trace);
    assert_eq!(dialer.dial().await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn most_connections_holds_and_the_rest_waits() {
    let server = server().most_connections(1).start_in_memory().await.unwrap();
    let mut first = Raw(dial(&server).await);
    let mut second = Raw(dial(&server).await);
    second.send(&SSL_REQUEST).await;
    first.send(&SSL_REQUEST).await;
    assert_eq!(first.read().await, *b"S");
    drop(first);
    assert_eq!(finish(server).await.connections.len(), 1);
    let error = within(tokio::io::AsyncReadExt::read_u8(&mut second.0)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn connections_are_reset_from_here() {
    let server = server().start_in_memory().await.unwrap();
    let mut client = Raw(dial(&server).await);
    client.send(&SSL_REQUEST).await;
    assert_eq!(client.read().await, *b"S");
    server.reset_connections();
    let error = within(tokio::io::AsyncReadExt::read_u8(&mut client.0)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);

    let axes = ServerAxes { reply: Reply::Reset, ..server.axes() };
    server.set_axes(axes).unwrap();
    let mut client = Raw(dial(&server).await);
    client.send(&SSL_REQUEST).await;
    let error = within(tokio::io::AsyncReadExt::read_u8(&mut client.0)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    let _ = finish(server).await;
}

#[tokio::test]
async fn a_server_with_a_port_is_not_dialled() {
    assert!(server().start().await.unwrap().dialer().is_none());
}
