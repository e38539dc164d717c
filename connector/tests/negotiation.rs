//! What goes over the wire, byte for byte, against servers played by hand.

#[allow(dead_code, reason = "each test binary uses its part")]
mod support;

use std::time::{Duration, Instant};

use pgtls_connector::{Config, Connection, Connector, Error, Step};
use support::*;
use tokio_postgres::Client;

const SPOOF: &str = "spoofed by somebody in between";

fn config(port: u16, more: &str) -> Config {
    format!("host=localhost hostaddr=127.0.0.1 port={port} user=u password=p dbname=d connect_timeout=5 {more}")
        .parse()
        .expect("a configuration")
}

async fn connect(port: u16, more: &str) -> Result<(Client, Connection), Error> {
    let connector = Connector::from_config(&config(port, more)).expect("settings");
    tokio::time::timeout(TEST_TIMEOUT, connector.connect()).await.expect("a result in time")
}

async fn fails(port: u16, more: &str) -> Error {
    match connect(port, more).await {
        Ok(_) => panic!("{more}: connected"),
        Err(error) => error,
    }
}

fn lines(lines: &[&[&str]]) -> Vec<Vec<String>> {
    lines.iter().map(|lines| lines.iter().map(|&line| line.to_owned()).collect()).collect()
}

#[tokio::test]
async fn an_error_instead_of_an_answer_ends_everything_and_is_not_shown() {
    for mode in ["prefer", "require", "verify-full"] {
        let peer = Peer::play(vec![vec![Packet, Send(error("28000", SPOOF))]]).await;
        let failure = fails(peer.port, &format!("sslmode={mode}")).await;
        assert_eq!(failure.step(), Step::Negotiate, "{mode}");
        assert!(!format!("{failure} {failure:?}").contains("spoofed"), "{failure}");
        assert_eq!(peer.seen_after(2).await, lines(&[&["SSLRequest", "end"]]), "{mode}");
    }
}

#[tokio::test]
async fn wrong_answers_and_none_end_everything() {
    let endings: [(&str, Vec<Act>); 4] = [
        ("a byte that is none", vec![Packet, Send(b"Q".to_vec()), Wait]),
        ("closed", vec![Packet]),
        ("reset", vec![Packet, Reset]),
        ("closed at once", vec![]),
    ];
    for (what, script) in endings {
        for mode in ["prefer", "require"] {
            let peer = Peer::play(vec![script.clone()]).await;
            let failure = fails(peer.port, &format!("sslmode={mode}")).await;
            assert_eq!(failure.step(), Step::Negotiate, "{what}: {failure}");
            assert_eq!(failure.attempts().len(), 1, "{what}: {failure}");
            assert_eq!(peer.seen().len(), 1, "{what}: no second connection");
        }
    }
}

#[tokio::test]
async fn silence_ends_with_the_timeout_and_no_retry() {
    for (step, script) in [
        (Step::Negotiate, vec![Packet, Wait]),
        (Step::Handshake, vec![Packet, Send(b"S".to_vec()), Wait]),
    ] {
        let peer = Peer::play(vec![script]).await;
        let started = Instant::now();
        let failure = fails(peer.port, "sslmode=prefer connect_timeout=1").await;
        assert!(failure.is_timeout() && failure.step() == step, "{failure}");
        assert!((1..3).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
        assert_eq!(peer.seen().len(), 1);
    }
}

#[tokio::test]
async fn plaintext_behind_s_is_an_injection() {
    let stuffed = [&b"S"[..], &login(&[])].concat();
    for mode in ["prefer", "require"] {
        let peer = Peer::play(vec![vec![Packet, Send(stuffed.clone()), Wait]]).await;
        let failure = fails(peer.port, &format!("sslmode={mode}")).await;
        assert!(failure.is_injection(), "{failure}");
        assert_eq!(
            peer.seen_after(2).await,
            lines(&[&["SSLRequest", "end"]]),
            "not even a ClientHello"
        );
    }
}

#[tokio::test]
async fn n_is_final_for_require_and_plaintext_for_prefer() {
    for mode in ["require", "verify-ca", "verify-full"] {
        let peer = Peer::play(vec![vec![Packet, Send(b"N".to_vec()), Wait]]).await;
        let failure = fails(peer.port, &format!("sslmode={mode}")).await;
        assert!(failure.is_tls_refused(), "{failure}");
        assert_eq!(peer.seen_after(2).await, lines(&[&["SSLRequest", "end"]]), "{mode}");
    }
    let peer =
        Peer::play(vec![vec![Packet, Send(b"N".to_vec()), Packet, Send(login(&[])), Wait]]).await;
    let (client, connection) = connect(peer.port, "").await.expect("plaintext");
    assert!(!connection.is_encrypted());
    assert_eq!(connection.parameter("server_version"), Some("18.4"));
    drop(client);
    connection.await.expect("a good end");
    assert_eq!(
        peer.seen_after(4).await,
        lines(&[&["SSLRequest", "StartupMessage", "message X", "end"]])
    );
}

#[tokio::test]
async fn a_login_behind_n_is_taken_and_the_query_goes_out_before_more_is_read() {
    let stuffed = [&b"N"[..], &login(&[])].concat();
    let script = vec![
        Packet,
        Send(stuffed),
        Packet,
        Send(password_request()),
        Message,
        Send(error("08P01", "no password")),
    ];
    for round in 0..20 {
        let peer = Peer::play(vec![script.clone()]).await;
        let (client, connection) = connect(peer.port, "").await.expect("taken");
        let driver = tokio::spawn(connection);
        // The password request has every chance to arrive first.
        tokio::time::sleep(Duration::from_millis(round % 3)).await;
        client.simple_query("SELECT 1").await.expect_err("no answer to a query");
        drop(client);
        tokio::time::timeout(TEST_TIMEOUT, driver).await.expect("an end").expect("no panic").ok();
        assert_eq!(
            peer.seen_after(4).await,
            lines(&[&["SSLRequest", "StartupMessage", "message Q", "end"]])
        );
    }
}

#[tokio::test]
async fn a_failed_handshake_goes_on_in_plaintext_by_a_new_connection_under_prefer() {
    let garbage = vec![
        Packet,
        Send(b"S".to_vec()),
        Hello,
        Send(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
        Wait,
    ];
    let plain = vec![Packet, Send(login(&[])), Wait];
    let peer = Peer::play(vec![garbage.clone(), plain]).await;
    let (_client, connection) = connect(peer.port, "sslmode=prefer").await.expect("plaintext");
    assert!(!connection.is_encrypted());
    let seen = peer.seen();
    assert_eq!(seen[0][..2], ["SSLRequest".to_owned(), "ClientHello".to_owned()]);
    assert_eq!(seen[1][..1], ["StartupMessage".to_owned()]);

    let peer = Peer::play(vec![garbage]).await;
    let failure = fails(peer.port, "sslmode=require").await;
    assert!(failure.is_handshake(), "{failure}");
    assert_eq!(peer.seen().len(), 1);
}

#[tokio::test]
async fn a_missing_root_ends_verify_modes_after_s_and_before_the_client_hello() {
    for more in ["sslmode=verify-full", "sslmode=verify-ca sslrootcert=/nowhere/root.pem"] {
        let peer = Peer::play(vec![vec![Packet, Send(b"S".to_vec()), Wait]]).await;
        let failure = fails(peer.port, more).await;
        assert_eq!(failure.step(), Step::Credentials, "{failure}");
        assert_eq!(peer.seen_after(2).await, lines(&[&["SSLRequest", "end"]]));
    }
}

#[tokio::test]
async fn allow_begins_in_plaintext_and_asks_for_tls_when_rejected() {
    let rejected = vec![Packet, Send(error("28000", "no pg_hba.conf entry")), Wait];
    let refused = vec![Packet, Send(b"N".to_vec()), Wait];
    let peer = Peer::play(vec![rejected, refused]).await;
    let failure = fails(peer.port, "sslmode=allow").await;
    assert!(failure.is_tls_refused(), "{failure}");
    assert_eq!(failure.attempts().len(), 2, "both attempts are told");
    assert!(failure.to_string().contains("no pg_hba.conf entry"), "{failure}");
    assert_eq!(
        peer.seen_after(4).await,
        lines(&[&["StartupMessage", "end"], &["SSLRequest", "end"]])
    );
}

#[tokio::test]
async fn only_an_error_before_authentication_ok_leads_to_another_attempt() {
    let endings: [(&str, Vec<u8>); 5] = [
        (
            "after AuthenticationOk",
            [message(b'R', &[0; 4]), error("3D000", "no such database")].concat(),
        ),
        ("a notice first", message(b'N', b"SNOTICE\0C00000\0Mhello\0\0")),
        ("an error of version 2", b"EFATAL: too old\n\0".to_vec()),
        ("a parameter first", message(b'S', b"a\0b\0")),
        ("protocol negotiation", message(b'v', &[0, 3, 0, 0, 0, 0, 0, 0])),
    ];
    for (what, bytes) in endings {
        let peer = Peer::play(vec![vec![Packet, Send(bytes), Wait]]).await;
        let failure = fails(peer.port, "sslmode=allow").await;
        assert_eq!(
            (failure.step(), failure.attempts().len()),
            (Step::Login, 1),
            "{what}: {failure}"
        );
        assert_eq!(peer.seen().len(), 1, "{what}");
    }
    let peer = Peer::play(vec![vec![Packet]]).await;
    assert_eq!(fails(peer.port, "sslmode=allow").await.attempts().len(), 1, "closed");
    let peer = Peer::play(vec![vec![Packet, Send(password_request()), Wait]]).await;
    assert_eq!(
        fails(peer.port, "sslmode=allow password=''").await.attempts().len(),
        1,
        "no password"
    );
    let peer = Peer::play(vec![vec![Packet, Send(password_request()), Wait]]).await;
    let failure = fails(peer.port, "sslmode=allow channel_binding=require").await;
    assert_eq!(failure.attempts().len(), 1, "{failure}");
    assert_eq!(
        peer.seen_after(2).await,
        lines(&[&["StartupMessage", "end"]]),
        "the password stays here"
    );
}

#[tokio::test]
async fn a_login_that_we_break_off_is_not_rejected_though_the_server_rejects_it_in_the_same_segment()
 {
    for refused in ["channel_binding=require", "password=''"] {
        for code in ["28000", "57P03"] {
            let both = [password_request(), error(code, "no")].concat();
            let peer = Peer::play(vec![vec![Packet, Send(both), Wait]]).await;
            let failure = fails(peer.port, &format!("sslmode=allow {refused}")).await;
            assert_eq!(failure.attempts().len(), 1, "{refused} {code}: {failure}");
            assert_eq!(peer.seen().len(), 1, "{refused} {code}");
        }
    }
}

#[tokio::test]
async fn a_rejected_login_is_told_with_what_the_server_said() {
    let peer = Peer::play(vec![vec![
        Packet,
        Send(password_request()),
        Message,
        Send(error("28P01", "wrong")),
        Wait,
    ]])
    .await;
    let failure = fails(peer.port, "sslmode=disable").await;
    assert_eq!(failure.db_error().map(|error| error.code().code()), Some("28P01"));
    let said = std::error::Error::source(&failure).and_then(std::error::Error::source);
    assert!(said.is_some_and(|said| said.to_string().contains("wrong")), "{failure}");
}

async fn two(
    first: Vec<Vec<Act>>,
    second: Vec<Vec<Act>>,
    more: &str,
) -> (Result<bool, Error>, Peer, Peer) {
    let (first, second) = (Peer::play(first).await, Peer::play(second).await);
    let text = format!(
        "host=a,b hostaddr=127.0.0.1,127.0.0.1 port={},{} user=u connect_timeout=1 {more}",
        first.port, second.port
    );
    let connector = Connector::from_url(&text).expect("settings");
    let result =
        tokio::time::timeout(TEST_TIMEOUT, connector.connect()).await.expect("a result in time");
    (
        result.map(|(_, connection)| connection.parameter("in_hot_standby") == Some("on")),
        first,
        second,
    )
}

fn good(parameters: &[(&str, &str)]) -> Vec<Vec<Act>> {
    vec![vec![Packet, Send(login(parameters)), Wait]]
}

#[tokio::test]
async fn the_next_host_is_tried_for_want_of_an_answer_and_not_for_want_of_a_password() {
    let starting = vec![vec![Packet, Send(error("57P03", "starting up")), Wait]];
    let (result, _, second) = two(starting.clone(), good(&[]), "sslmode=disable").await;
    assert!(result.is_ok() && second.seen().len() == 1);
    let (result, first, _second) = two(starting, good(&[]), "sslmode=allow").await;
    assert!(result.is_ok() && first.seen().len() == 1, "57P03 is no reason to ask for TLS");
    let (result, _first, second) =
        two(vec![vec![Packet, Wait]], good(&[]), "sslmode=disable").await;
    assert!(result.is_ok() && second.seen().len() == 1, "silence");

    let (result, _first, second) =
        two(vec![vec![Packet, Send(error("28P01", "no")), Wait]], good(&[]), "sslmode=disable")
            .await;
    assert!(result.is_err() && second.seen().is_empty());
    let (result, _first, second) =
        two(vec![vec![Packet, Send(b"?".to_vec()), Wait]], good(&[]), "").await;
    assert!(result.is_err() && second.seen().is_empty());
}

#[tokio::test]
async fn a_refused_connection_leads_to_the_next_host() {
    let peer = Peer::play(good(&[])).await;
    let text = format!(
        "host=a,b hostaddr=127.0.0.1,127.0.0.1 port=1,{} user=u sslmode=disable",
        peer.port
    );
    let connected = Connector::from_url(&text).expect("settings").connect().await;
    assert!(connected.is_ok(), "the second");
    let failure = Connector::from_url("host=127.0.0.1 port=1 user=u")
        .expect("settings")
        .connect()
        .await
        .expect_err("none");
    assert_eq!(failure.step(), Step::Connect);
}

#[tokio::test]
async fn target_session_attrs_choose_among_hosts() {
    let standby = || good(&[("in_hot_standby", "on"), ("default_transaction_read_only", "off")]);
    let primary = || good(&[("in_hot_standby", "off"), ("default_transaction_read_only", "off")]);
    let wanted = |attrs: &str| format!("sslmode=disable target_session_attrs={attrs}");
    for (attrs, is_standby) in [
        ("primary", false),
        ("read-write", false),
        ("standby", true),
        ("read-only", true),
        ("prefer-standby", true),
    ] {
        let (result, ..) = two(primary(), standby(), &wanted(attrs)).await;
        assert_eq!(result.expect("one of them"), is_standby, "{attrs}");
    }
    let again = vec![primary().remove(0), primary().remove(0)];
    let (result, first, _second) = two(again, primary(), &wanted("prefer-standby")).await;
    assert_eq!((result.expect("the second choice"), first.seen().len()), (false, 2));
    let (result, first, _second) = two(primary(), primary(), &wanted("standby")).await;
    assert_eq!(result.expect_err("none").step(), Step::Session);
    assert_eq!(first.seen_after(3).await, lines(&[&["StartupMessage", "message X", "end"]]));

    let asked = vec![vec![Packet, Send(login(&[])), Message, Send(row("on")), Wait]];
    let (result, ..) = two(asked.clone(), asked.clone(), &wanted("read-only")).await;
    assert!(result.is_ok(), "older servers are asked");
    let (result, ..) = two(asked.clone(), asked, &wanted("read-write")).await;
    assert!(result.is_err());
}

#[tokio::test]
async fn a_server_that_does_not_tell_its_kind_leads_to_the_next_host_and_one_that_goes_away_does_not()
 {
    let asked = |act: Act| vec![vec![Packet, Send(login(&[])), Message, act, Wait]];
    let ready = message(b'Z', b"I");
    let lives = [error("42704", "no such parameter"), ready.clone()].concat();
    let empty = [message(b'C', b"SHOW\0"), ready].concat();
    let standby = || good(&[("in_hot_standby", "on"), ("default_transaction_read_only", "off")]);
    let wanted = "sslmode=disable target_session_attrs=read-only";
    for answer in [lives, empty] {
        let (result, first, _second) = two(asked(Send(answer)), standby(), wanted).await;
        assert!(result.expect("the second host"));
        assert_eq!(
            first.seen_after(4).await,
            lines(&[&["StartupMessage", "message Q", "message X", "end"]])
        );
    }
    let last_words = vec![vec![Packet, Send(login(&[])), Message, Send(error("57P01", "bye"))]];
    let (result, ..) = two(last_words, standby(), wanted).await;
    assert!(result.expect("the second host"), "it said why");
    let gone = vec![vec![Packet, Send(login(&[])), Message]];
    let (result, _first, second) = two(gone, standby(), wanted).await;
    assert_eq!(result.expect_err("no answer").step(), Step::Session);
    assert!(second.seen().is_empty());
}

#[tokio::test]
async fn a_cancel_request_goes_where_the_connection_went() {
    let session = vec![Packet, Send(b"N".to_vec()), Packet, Send(login(&[]))];
    let request = vec![Packet, Send(b"N".to_vec()), Packet];
    let peer = Peer::play(vec![session, request]).await;
    let (client, connection) = connect(peer.port, "").await.expect("plaintext");
    let token = connection.cancel_token();
    drop((client, connection));
    token.cancel().await.expect("sent");
    let seen = peer.seen_after(6).await;
    assert_eq!(seen[1], ["SSLRequest", "CancelRequest [0, 0, 0, 7, 0, 0, 0, 9]", "end"]);
}

#[tokio::test]
async fn without_a_key_no_cancel_request_sets_out() {
    let keyless = [message(b'R', &[0; 4]), message(b'Z', b"I")].concat();
    let peer = Peer::play(vec![vec![Packet, Send(keyless)]]).await;
    let (client, connection) = connect(peer.port, "sslmode=disable").await.expect("plaintext");
    let token = connection.cancel_token();
    drop((client, connection, peer));
    // The listener goes with its task, so that whoever sets out fails to connect.
    tokio::task::yield_now().await;
    let failure = token.cancel().await.expect_err("no key");
    assert_eq!(failure.step(), Step::Cancel, "{failure}");
}

#[tokio::test]
async fn a_cancel_request_has_a_deadline() {
    let peer = Peer::play(vec![vec![Packet, Send(login(&[]))], vec![Packet, Wait]]).await;
    let (client, connection) = connect(peer.port, "sslmode=disable").await.expect("plaintext");
    let token = connection.cancel_token();
    drop((client, connection));
    let failure = token.cancel_within(Duration::from_millis(200)).await.expect_err("no end");
    assert!(failure.is_timeout() && failure.step() == Step::Cancel, "{failure}");
}

#[cfg(unix)]
#[tokio::test]
async fn unix_sockets_know_no_tls_whatever_the_mode() {
    let folder = tempfile::tempdir().expect("a folder");
    let listener =
        tokio::net::UnixListener::bind(folder.path().join(".s.PGSQL.5432")).expect("a socket");
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("a connection");
        let told = std::sync::Mutex::new(Vec::new());
        let tell = |what: String| told.lock().expect("no panic").push(what);
        for act in [Packet, Send(login(&[])), Wait] {
            follow(&mut socket, act, &tell).await;
        }
        told.into_inner().expect("no panic")
    });
    // Nor does it matter that rustls has none of the versions that are asked for.
    let text = format!(
        "host={} user=u sslmode=verify-full sslrootcert=system ssl_min_protocol_version=TLSv1 \
         ssl_max_protocol_version=TLSv1.1",
        folder.path().display()
    );
    let (client, connection) =
        Connector::from_url(&text).expect("settings").connect().await.expect("plaintext");
    assert!(!connection.is_encrypted());
    drop(client);
    connection.await.expect("a good end");
    assert_eq!(server.await.expect("no panic"), ["StartupMessage", "message X", "end"]);
}

#[test]
fn futures_can_be_spawned() {
    fn sendable<T: std::marker::Send>(value: T) -> T {
        value
    }
    let connector = Connector::from_url("host=localhost").expect("settings");
    drop(sendable(connector.connect()));
    drop(sendable(connector.connect_and_spawn()));
}
