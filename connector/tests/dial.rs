//! Connections by a dialer of one's own: in memory, under a clock that stands still until everybody waits.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pgtls_connector::dial::{Dial, DialFuture, Endpoint, Transport};
use pgtls_connector::{Attempt, Connector, Phase};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;

/// Gives the other end of every connection to the test, with the endpoint it was meant for.
struct InMemory(mpsc::UnboundedSender<(Endpoint, DuplexStream)>);

impl Dial for InMemory {
    fn dial<'a>(&'a self, endpoint: &'a Endpoint) -> DialFuture<'a, Box<dyn Transport>> {
        Box::pin(async move {
            if endpoint.host() == "down" {
                return Err(io::ErrorKind::HostUnreachable.into());
            }
            let (ours, theirs) = tokio::io::duplex(4096);
            self.0.send((endpoint.clone(), theirs)).expect("the test takes it");
            Ok(Box::new(ours) as Box<dyn Transport>)
        })
    }
}

type Accepted = mpsc::UnboundedReceiver<(Endpoint, DuplexStream)>;

fn connector(text: &str) -> (Connector, Accepted) {
    let (sender, accepted) = mpsc::unbounded_channel();
    let connector = Connector::from_url(text).expect("settings");
    (connector.with_dialer(Arc::new(InMemory(sender))), accepted)
}

/// A packet without a type, its length left out: StartupMessage, SSLRequest, CancelRequest.
async fn packet(stream: &mut DuplexStream) -> Vec<u8> {
    let length = stream.read_u32().await.expect("a length") as usize;
    let mut body = vec![0; length - 4];
    stream.read_exact(&mut body).await.expect("a body");
    body
}

const SSL_REQUEST: &[u8] = &[0x04, 0xd2, 0x16, 0x2f];

/// AuthenticationOk, BackendKeyData (process 7, secret 9) and ReadyForQuery.
const LOGIN: &[u8] = b"R\0\0\0\x08\0\0\0\0K\0\0\0\x0c\0\0\0\x07\0\0\0\x09Z\0\0\0\x05I";

#[tokio::test(start_paused = true)]
async fn the_connection_and_its_cancel_request_go_by_the_dialer() {
    let (connector, mut accepted) = connector("host=db.invalid port=6432 user=u sslmode=prefer");
    let server = tokio::spawn(async move {
        let (endpoint, mut stream) = accepted.recv().await.expect("a connection");
        assert_eq!((endpoint.host(), endpoint.port()), ("db.invalid", 6432));
        assert_eq!(endpoint.address(), None, "nobody looks the name up");
        assert_eq!(packet(&mut stream).await, SSL_REQUEST);
        stream.write_all(b"N").await.expect("sent");
        packet(&mut stream).await;
        stream.write_all(LOGIN).await.expect("sent");

        let (again, mut cancel) = accepted.recv().await.expect("a cancel request");
        assert_eq!(again, endpoint);
        assert_eq!(packet(&mut cancel).await, SSL_REQUEST);
        cancel.write_all(b"N").await.expect("sent");
        assert_eq!(packet(&mut cancel).await, [4, 0xd2, 0x16, 0x2e, 0, 0, 0, 7, 0, 0, 0, 9]);
    });
    let (_client, connection) = connector.connect().await.expect("a session");
    assert!(!connection.is_encrypted());
    connection.cancel_token().cancel().await.expect("sent");
    server.await.expect("no panic");
}

#[tokio::test(start_paused = true)]
async fn a_second_attempt_goes_by_the_dialer() {
    let (connector, mut accepted) = connector("host=h user=u sslmode=allow");
    let server = tokio::spawn(async move {
        let (_, mut stream) = accepted.recv().await.expect("the plaintext attempt");
        packet(&mut stream).await;
        let rejected = b"E\0\0\0\x1eSFATAL\0VFATAL\0C28000\0Mno\0\0";
        stream.write_all(rejected).await.expect("sent");
        let (_, mut stream) = accepted.recv().await.expect("the attempt with TLS");
        assert_eq!(packet(&mut stream).await, SSL_REQUEST);
        stream.write_all(b"N").await.expect("sent");
    });
    let error = connector.connect().await.expect_err("no TLS");
    assert!(error.is_tls_refused(), "{error}");
    assert_eq!(error.attempts().len(), 2, "{error}");
    server.await.expect("no panic");
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_costs_no_time_under_a_paused_clock() {
    for (mode, phase) in [("prefer", Phase::Negotiate), ("disable", Phase::Login)] {
        let text = format!("host=h user=u sslmode={mode} connect_timeout=3600");
        let (connector, mut accepted) = connector(&text);
        let (real, virtual_start) = (Instant::now(), tokio::time::Instant::now());
        let error = connector.connect().await.expect_err("silence");
        assert!(error.is_timeout() && error.phase() == phase, "{error}");
        assert_eq!(virtual_start.elapsed().as_secs(), 3600, "{mode}");
        assert!(real.elapsed() < Duration::from_secs(60), "{:?}", real.elapsed());
        assert!(accepted.try_recv().is_ok() && accepted.try_recv().is_err(), "one connection");
    }
}

#[tokio::test(start_paused = true)]
async fn plaintext_behind_s_is_found_on_any_transport() {
    let (connector, mut accepted) = connector("host=h user=u sslmode=prefer");
    let server = tokio::spawn(async move {
        let (_, mut stream) = accepted.recv().await.expect("a connection");
        packet(&mut stream).await;
        stream.write_all(b"Sinjected").await.expect("sent");
        stream.read(&mut [0; 1]).await
    });
    let error = connector.connect().await.expect_err("an injection");
    assert!(error.is_injection(), "{error}");
    assert!(error.to_string().contains("(8 bytes at least)"), "{error}");
    assert!(matches!(server.await.expect("no panic"), Ok(0)), "not even a ClientHello");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_cannot_be_opened_leads_to_the_next_host() {
    let (connector, mut accepted) =
        connector("host=down,up hostaddr=,192.0.2.1 user=u sslmode=disable connect_timeout=5");
    let error = connector.connect().await.expect_err("nobody answers");
    let phases: Vec<Phase> = error.attempts().iter().map(Attempt::phase).collect();
    assert_eq!(phases, [Phase::Connect, Phase::Login], "{error}");
    assert_eq!(error.attempts()[0].address(), Some("down:5432"));
    let (endpoint, _) = accepted.try_recv().expect("the second host");
    assert_eq!(endpoint.address(), Some(([192, 0, 2, 1], 5432).into()));
}
