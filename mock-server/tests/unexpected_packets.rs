//! First packets in clear where TLS has begun or failed: entered, in whatever pieces they come.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use pgtls_mock_server::{
    axes::Reply,
    transcript::{EntryKind, Observation, Sender},
};
use support::*;

/// The first packets that came in clear, a C for each CancelRequest and an S for each StartupMessage.
fn clear_packets(seen: &Observation) -> String {
    seen.connections
        .iter()
        .flat_map(|connection| &connection.entries)
        .filter(|entry| entry.sender == Sender::Client && !entry.encrypted)
        .filter_map(|entry| match entry.what {
            EntryKind::Startup { .. } => Some('S'),
            EntryKind::CancelRequest => Some('C'),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn plaintext_behind_s_is_junk_and_known_for_what_it_is() {
    let packet = startup("any");
    for cut in 0..packet.len() {
        let server = server().start().await.unwrap();
        let mut client = Raw::connect(&server).await;
        client.send(&SSL_REQUEST).await;
        assert_eq!(client.read().await, *b"S");
        client.send(&packet[..cut]).await;
        if cut > 0 {
            let arrived = |seen: &Observation| {
                seen.connections[0].clear_from_client.len() == SSL_REQUEST.len() + cut
            };
            until(&server, arrived).await;
        }
        client.send(&packet[cut..]).await;
        assert_eq!(client.read_to_end().await, b"");
        drop(client);
        let seen = finish(server).await;
        assert_eq!(seen.trace.to_string(), "connect, sslaccept, junk -> fail");
        assert_eq!(clear_packets(&seen), "S", "{cut}");
        assert!(!entered(&seen, |what| matches!(what, EntryKind::Junk(_))), "{cut}");
    }
}

#[tokio::test]
async fn a_client_hello_that_came_with_its_request_is_not_in_clear() {
    let hello = client_hello();
    for cut in [1, 5, 60, hello.len()] {
        let server = replying(Reply::TlsClose).await;
        let mut client = Raw::connect(&server).await;
        client.send(&[&SSL_REQUEST[..], &hello[..cut]].concat()).await;
        assert_eq!(client.read().await, *b"S");
        client.send(&[&hello[cut..], &[21, 3, 1, 0, 2, 1, 0], &startup("any")].concat()).await;
        client.read_to_end().await;
        drop(client);
        let seen = finish(server).await;
        assert_eq!(seen.trace.to_string(), "connect, sslaccept -> fail");
        let clear = [&SSL_REQUEST[..], &startup("any")].concat();
        assert_eq!(seen.connections[0].clear_from_client, clear, "{cut}");
        let alert = EntryKind::Alert("warning close_notify".to_owned());
        assert!(entered(&seen, |what| *what == alert), "{cut}");
        assert_eq!(clear_packets(&seen), "S", "{cut}");
    }
}

#[tokio::test]
async fn half_a_packet_behind_s_is_junk() {
    let server = server().start().await.unwrap();
    let mut client = Raw::connect(&server).await;
    client.send(&[&SSL_REQUEST[..], &startup("any")[..10]].concat()).await;
    assert_eq!(client.read().await, *b"S");
    drop(client);
    let seen = finish(server).await;
    assert_eq!(seen.trace.to_string(), "connect, sslaccept, junk -> fail");
    let junk = EntryKind::Junk(startup("any")[..10].to_vec());
    assert!(entered(&seen, |what| *what == junk));
}

#[tokio::test]
async fn a_first_packet_behind_spoiled_tls_is_entered() {
    use Reply::{Refuse, Stuffed, TlsAlert, TlsClose, TlsGarbage, TlsSilent};

    for (reply, direct) in [
        (TlsAlert, false),
        (TlsGarbage, false),
        (TlsClose, false),
        (TlsSilent, false),
        (Refuse, true),
        (Stuffed, true),
        (TlsAlert, true),
        (TlsSilent, true),
    ] {
        let server = replying(reply).await;
        let mut client = Raw::connect(&server).await;
        if !direct {
            client.send(&SSL_REQUEST).await;
            assert_eq!(client.read().await, *b"S");
        }
        client.send(&client_hello()).await;
        if !matches!(reply, TlsSilent) {
            client.read_to_end().await;
        }
        let packets = [&startup("any")[..], &CANCEL_REQUEST].concat();
        client.send(&packets[..21]).await;
        client.send(&packets[21..]).await;
        drop(client);
        let seen = finish(server).await;
        let event = if direct { "directsslreject" } else { "sslaccept" };
        assert_eq!(seen.trace.to_string(), format!("connect, {event} -> fail"), "{reply}");
        assert_eq!(clear_packets(&seen), "SC", "{reply} {direct}");
    }
}

#[tokio::test]
async fn a_first_packet_behind_the_clients_own_refusal_is_entered() {
    let fatal = [21, 3, 3, 0, 2, 2, 48];
    // Instead of the handshake's end.
    let server = server().start().await.unwrap();
    let mut client = Raw::connect(&server).await;
    client.send(&SSL_REQUEST).await;
    assert_eq!(client.read().await, *b"S");
    client.send(&[&client_hello()[..], &fatal, &startup("any")].concat()).await;
    client.read_to_end().await;
    drop(client);
    // Beside a session that is complete, and behind one that was closed in good order.
    for closes in [false, true] {
        let mut client = Raw::connect(&server).await;
        client.send(&SSL_REQUEST).await;
        assert_eq!(client.read().await, *b"S");
        let (mut stream, mut session) = client.tls(false).await.unwrap().0.into_inner();
        if closes {
            session.send_close_notify();
            let mut goodbye = Vec::new();
            session.write_tls(&mut goodbye).unwrap();
            Raw(&mut stream).send(&goodbye).await;
        }
        Raw(&mut stream).send(&startup("any")).await;
        Raw(&mut stream).read_to_end().await;
    }
    let seen = finish(server).await;
    assert_eq!(
        seen.trace.to_string(),
        "connect, sslaccept, reconnect, sslaccept, reconnect, sslaccept -> fail"
    );
    for connection in &seen.connections {
        let connections = vec![connection.clone()];
        let alone = Observation::of(connections);
        assert_eq!(clear_packets(&alone), "S", "{:#?}", connection.entries);
    }
}
