//! Every reply, to an SSLRequest and to a ClientHello that comes without one: what the client gets,
//! and what the trace says.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::io::ErrorKind;

use pgtls_mock_server::{
    DEFAULT_CANARY, MockServer,
    axes::{Auth, Reply, TlsVersions},
    transcript::{EntryKind, Sender},
};
use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn refuse_says_n_and_takes_a_startup_message() {
    let server = replying(Reply::Refuse).await;
    let mut client = Raw::connect(&server).await;
    client.send(&SSL_REQUEST).await;
    assert_eq!(client.read().await, *b"N");
    client.send(&startup("any")).await;
    assert_eq!(client.read_message().await, (b'R', vec![0, 0, 0, 3]));
    drop(client);
    assert_eq!(trace(server).await, "connect, sslreject, authquit -> fail");
}

#[tokio::test]
async fn garbage_is_no_answer_and_a_startup_message_is_still_taken() {
    let server = replying(Reply::Garbage).await;
    let mut client = Raw::connect(&server).await;
    client.send(&SSL_REQUEST).await;
    let [byte] = client.read().await;
    assert!(!b"SNE\x16\x15".contains(&byte));
    client.send(&startup("any")).await;
    assert_eq!(client.read_message().await.0, b'R');
    drop(client);
    assert_eq!(trace(server).await, "connect, sslreject, authquit -> fail");
}

#[tokio::test]
async fn an_error_carries_the_canary_and_then_the_end() {
    let server = replying(Reply::Error).await;
    let mut client = Raw::connect(&server).await;
    client.send(&SSL_REQUEST).await;
    let bytes = client.read_to_end().await;
    assert_eq!(bytes[0], b'E');
    assert_eq!(u32::from_be_bytes(bytes[1..5].try_into().unwrap()) as usize, bytes.len() - 1);
    let message = format!("M{DEFAULT_CANARY}: sorry, too many clients already\0");
    assert!(String::from_utf8_lossy(&bytes).contains(&message));
    drop(client);
    let seen = finish(server).await;
    assert_eq!(seen.trace.to_string(), "connect, backenderror -> fail");
    let told = format!("53300 {DEFAULT_CANARY}: sorry, too many clients already");
    assert!(entered(
        &seen,
        |what| matches!(what, EntryKind::Backend { summary, .. } if *summary == told)
    ));
}

#[tokio::test]
async fn an_error_outlives_what_the_client_sends_behind_it() {
    let server = replying(Reply::Error).await;
    let mut client = Raw::connect(&server).await;
    client.send(&SSL_REQUEST).await;
    within(client.0.readable()).await.unwrap();
    // To a socket that is closed rather than drained, this would be answered by RST.
    client.send(&startup("any")).await;
    tokio::task::yield_now().await;
    client.send(&message(b'p', b"secret\0")).await;
    assert_eq!(client.read_to_end().await[0], b'E');
    drop(client);
    let seen = finish(server).await;
    assert_eq!(seen.trace.to_string(), "connect, backenderror -> fail");
    let clear = &seen.connections[0].clear_from_client;
    assert!(clear.windows(6).any(|window| window == b"secret"));
}

#[tokio::test]
async fn an_error_is_only_an_answer_to_an_ssl_request() {
    let server = replying(Reply::Error).await;
    let mut client = Raw::connect(&server).await;
    client.send(&startup("any")).await;
    assert_eq!(client.read_message().await, (b'R', vec![0, 0, 0, 3]));
    client.send(&message(b'p', b"wrong\0")).await;
    assert_eq!(client.read_message().await.0, b'E');
    drop(client);
    assert_eq!(trace(server).await, "connect, authfail -> fail");
}

#[tokio::test]
async fn close_is_a_fin_even_where_bytes_are_left_unread() {
    let server = replying(Reply::Close).await;
    let mut client = Raw::connect(&server).await;
    // In one segment, so that the StartupMessage lies unread when the server closes.
    client.send(&[&SSL_REQUEST[..], &startup("any")].concat()).await;
    assert_eq!(client.read_to_end().await, b"");
    drop(client);
    let seen = finish(server).await;
    assert_eq!(seen.trace.to_string(), "connect -> fail");
    let connection = &seen.connections[0];
    assert!(connection.entries.iter().any(|entry| matches!(entry.what, EntryKind::Startup { .. })));
    assert_eq!(connection.clear_from_client, [&SSL_REQUEST[..], &startup("any")].concat());
}

#[tokio::test]
async fn reset_is_a_rst() {
    let server = replying(Reply::Reset).await;
    let mut client = Raw::connect(&server).await;
    client.send(&SSL_REQUEST).await;
    let error = within(client.0.read_u8()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(trace(server).await, "connect -> fail");
}

#[tokio::test]
async fn silence_notices_what_comes_all_the_same() {
    let server = replying(Reply::Silent).await;
    let mut client = Raw::connect(&server).await;
    client.send(&SSL_REQUEST).await;
    client.send(&startup("any")).await;
    // No first packet, and so none that would decide anything.
    client.send(&message(b'X', b"")).await;
    drop(client);
    let quiet = Raw::connect(&server).await;
    drop(quiet);
    assert_eq!(trace(server).await, "connect, authquit, reconnect -> fail");
}

/// Sends SSLRequest, takes the `S`, sends a ClientHello in two pieces, and reads to the end.
async fn spoiled(server: &MockServer) -> Vec<u8> {
    let mut client = Raw::connect(server).await;
    client.send(&SSL_REQUEST).await;
    assert_eq!(client.read().await, *b"S");
    let hello = client_hello();
    client.send(&hello[..7]).await;
    client.send(&hello[7..]).await;
    client.read_to_end().await
}

#[tokio::test]
async fn tls_is_spoiled_after_the_client_hello() {
    for (reply, bytes) in [
        (Reply::TlsAlert, &[21, 3, 3, 0, 2, 2, 40][..]),
        (Reply::TlsGarbage, b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"),
        (Reply::TlsClose, b""),
    ] {
        let server = replying(reply).await;
        assert_eq!(spoiled(&server).await, bytes, "{reply}");
        let seen = finish(server).await;
        assert_eq!(seen.trace.to_string(), "connect, sslaccept -> fail", "{reply}");
        let facts = seen.connections[0].tls.clone().unwrap();
        assert_eq!(facts.sni.as_deref(), Some("localhost"));
        assert_eq!(facts.alpn_offered, ["postgresql"]);
        assert_eq!(facts.versions_offered, ["TLSv1.3", "TLSv1.2"]);
        assert!(!facts.complete);
        assert_eq!(seen.connections[0].clear_from_client, SSL_REQUEST);
    }
}

#[tokio::test]
async fn tls_silence_lasts_as_long_as_the_client() {
    let server = replying(Reply::TlsSilent).await;
    let mut client = Raw::connect(&server).await;
    client.send(&SSL_REQUEST).await;
    assert_eq!(client.read().await, *b"S");
    client.send(&client_hello()).await;
    within(client.0.shutdown()).await.unwrap();
    assert_eq!(client.read_to_end().await, b"");
    drop(client);
    assert_eq!(trace(server).await, "connect, sslaccept -> fail");
}

#[tokio::test]
async fn a_client_hello_without_request_gets_the_hostile_bytes_alone() {
    for (reply, events) in [
        (Reply::Refuse, "directsslreject"),
        (Reply::Error, "directsslreject, backenderror"),
        (Reply::Garbage, "directsslreject"),
        (Reply::Close, "directsslreject"),
        (Reply::Reset, "directsslreject"),
        (Reply::Silent, "directsslreject"),
        (Reply::Stuffed, "directsslreject"),
        (Reply::StuffedLate, "directsslreject"),
        (Reply::RefuseStuffed, "directsslreject"),
        (Reply::TlsAlert, "directsslreject"),
        (Reply::TlsGarbage, "directsslreject"),
        (Reply::TlsSilent, "directsslreject"),
        (Reply::TlsClose, "directsslreject"),
    ] {
        let server = replying(reply).await;
        let mut client = Raw::connect(&server).await;
        client.send(&client_hello()).await;
        let mut bytes = Vec::new();
        match reply {
            Reply::Silent | Reply::TlsSilent => {}
            Reply::Reset => {
                let error = within(client.0.read_to_end(&mut bytes)).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{reply}");
            }
            _ => bytes = client.read_to_end().await,
        }
        assert_ne!(bytes.first(), Some(&b'S'), "{reply}");
        match reply {
            Reply::Error => assert_eq!(bytes[0], b'E'),
            Reply::Garbage => assert_eq!(bytes.len(), 1),
            Reply::Stuffed | Reply::StuffedLate => assert!(is_injected_login(&bytes)),
            Reply::RefuseStuffed => {
                assert_eq!(bytes[0], b'N');
                assert!(is_injected_login(&bytes[1..]));
            }
            Reply::TlsAlert => assert_eq!(bytes, [21, 3, 3, 0, 2, 2, 40]),
            Reply::TlsGarbage => assert!(bytes.starts_with(b"HTTP")),
            _ => assert_eq!(bytes, b"", "{reply}"),
        }
        drop(client);
        assert_eq!(trace(server).await, format!("connect, {events} -> fail"), "{reply}");
    }
}

#[tokio::test]
async fn direct_tls_needs_alpn() {
    let server = server().auth(Auth::Trust).start().await.unwrap();
    let mut client = Raw::connect(&server).await.tls(false).await.unwrap();
    assert_eq!(client.read_to_end().await, b"");
    drop(client);
    let client = Raw::connect(&server).await.tls(true).await.unwrap();
    drop(client);
    let seen = finish(server).await;
    assert_eq!(
        seen.trace.to_string(),
        "connect, directsslreject, reconnect, directsslaccept -> fail"
    );
    let facts = seen.connections[1].tls.clone().unwrap();
    assert!(facts.complete);
    assert_eq!(facts.alpn.as_deref(), Some("postgresql"));
    assert_eq!(facts.version.as_deref(), Some("TLSv1.3"));
    assert!(facts.cipher.unwrap().starts_with("TLS_"));
}

#[tokio::test]
async fn a_direct_handshake_that_breaks_off_is_rejected() {
    let server = server().start().await.unwrap();
    for size in [1, 20, client_hello().len()] {
        let mut client = Raw::connect(&server).await;
        client.send(&client_hello()[..size]).await;
    }
    let mut client = Raw::connect(&server).await;
    client.send(b"\x16\x03\x01\x00\x02not TLS").await;
    client.read_to_end().await;
    drop(client);
    assert_eq!(
        trace(server).await,
        "connect, directsslreject, reconnect, directsslreject, reconnect, directsslreject, \
         reconnect, directsslreject -> fail"
    );
}

#[tokio::test]
async fn foreign_alpn_fails_the_handshake() {
    for tls in [TlsVersions::Tls12To13, TlsVersions::Tls12, TlsVersions::Tls13] {
        let server = server().tls(tls).start().await.unwrap();
        let mut config = (*TlsClient::default().config()).clone();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let mut client = Raw::connect(&server).await;
        client.send(&SSL_REQUEST).await;
        assert_eq!(client.read().await, *b"S");
        let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
        let error =
            within(connector.connect("localhost".try_into().unwrap(), client.0)).await.unwrap_err();
        assert!(error.to_string().contains("NoApplicationProtocol"), "{error}");
        let seen = finish(server).await;
        assert_eq!(seen.trace.to_string(), "connect, sslaccept -> fail");
        let connection = &seen.connections[0];
        assert!(!connection.tls.as_ref().unwrap().complete);
        let entered = |wanted: fn(&EntryKind) -> bool| {
            connection
                .entries
                .iter()
                .any(|entry| entry.sender == Sender::Server && wanted(&entry.what))
        };
        assert!(entered(|what| matches!(what, EntryKind::HandshakeFailed(_))));
        // In TLS 1.3 it travels encrypted.
        if tls == TlsVersions::Tls12 {
            let named = |what: &EntryKind| matches!(what, EntryKind::Alert(alert) if alert == "fatal no_application_protocol");
            assert!(entered(named), "{:#?}", connection.entries);
        }
    }
}

#[tokio::test]
async fn gss_encryption_is_refused_and_the_client_may_go_on() {
    let server = server().auth(Auth::Trust).start().await.unwrap();
    let mut client = Raw::connect(&server).await;
    client.send(&GSSENC_REQUEST).await;
    assert_eq!(client.read().await, *b"N");
    client.send(&SSL_REQUEST).await;
    assert_eq!(client.read().await, *b"S");
    let client = client.tls(true).await.unwrap();
    drop(client);
    let mut client = Raw::connect(&server).await;
    client.send(&GSSENC_REQUEST).await;
    assert_eq!(client.read().await, *b"N");
    client.send(&GSSENC_REQUEST).await;
    assert_eq!(client.read_to_end().await[0], b'E');
    drop(client);
    assert_eq!(
        trace(server).await,
        "connect, gssreject, sslaccept, reconnect, gssreject, junk -> fail"
    );
}

#[tokio::test]
async fn cancel_requests_are_seen_in_clear_and_inside_tls() {
    let server = server().start().await.unwrap();
    let mut client = Raw::connect(&server).await;
    client.send(&CANCEL_REQUEST).await;
    assert_eq!(client.read_to_end().await, b"");
    drop(client);
    let mut client = Raw::connect(&server).await;
    client.send(&SSL_REQUEST).await;
    assert_eq!(client.read().await, *b"S");
    let mut client = client.tls(false).await.unwrap();
    client.send(&CANCEL_REQUEST).await;
    assert_eq!(client.read_to_end().await, b"");
    drop(client);
    let seen = finish(server).await;
    assert_eq!(seen.trace.to_string(), "connect, cancel, reconnect, sslaccept, cancel -> fail");
    let encrypted: Vec<bool> = seen
        .connections
        .iter()
        .flat_map(|connection| &connection.entries)
        .filter(|entry| entry.what == EntryKind::CancelRequest)
        .map(|entry| entry.encrypted)
        .collect();
    assert_eq!(encrypted, [false, true]);
}

#[tokio::test]
async fn what_is_none_of_it_is_junk() {
    let server = server().reply(Reply::Refuse).start().await.unwrap();
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0, 0, 0, 8, 4, 210, 0, 1], &[0, 0, 0, 3]] {
        let mut client = Raw::connect(&server).await;
        client.send(bytes).await;
        assert_eq!(client.read_to_end().await, b"");
    }
    // A ClientHello after `N`.
    let mut client = Raw::connect(&server).await;
    client.send(&SSL_REQUEST).await;
    assert_eq!(client.read().await, *b"N");
    client.send(&client_hello()).await;
    assert_eq!(client.read_to_end().await, b"");
    drop(client);
    // A second SSLRequest.
    let mut client = Raw::connect(&server).await;
    client.send(&[SSL_REQUEST, SSL_REQUEST].concat()).await;
    assert_eq!(client.read().await, *b"N");
    assert_eq!(client.read_to_end().await[0], b'E');
    drop(client);
    // Half a StartupMessage.
    let mut client = Raw::connect(&server).await;
    client.send(&startup("any")[..10]).await;
    drop(client);
    assert_eq!(
        trace(server).await,
        "connect, junk, reconnect, junk, reconnect, junk, reconnect, sslreject, junk, \
         reconnect, sslreject, junk, reconnect, junk -> fail"
    );
}
