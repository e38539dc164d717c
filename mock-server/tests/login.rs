//! Logins by tokio-postgres and by hand: access × authentication × channel, and what follows.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use pgtls_mock_server::{
    DEFAULT_CANARY, MockServer,
    axes::{Access, Auth, Certificate, Key, Reply, TlsVersions},
    pki::ClientCertificate,
    transcript::{Challenge, EntryKind, Observation, Proof},
};
use support::*;
use tokio_postgres::{
    Config, Error, NoTls,
    config::{ChannelBinding, SslMode, SslNegotiation},
};
use tokio_rustls::rustls::version::{TLS12, TLS13};

fn config(server: &MockServer) -> Config {
    let mut config = Config::new();
    config
        .host("localhost")
        .hostaddr(server.address().ip())
        .port(server.address().port())
        .user("any")
        .dbname("postgres")
        .password(server.password())
        .ssl_mode(SslMode::Require)
        .connect_timeout(TIMEOUT);
    config
}

/// Connects, asks, leaves.
async fn ask(config: &Config, tls: TlsClient) -> Result<String, Error> {
    let (client, connection) = config.connect(tls).await?;
    let connection = tokio::spawn(connection);
    let number: i32 = client.query_one("SELECT 48151", &[]).await?.get(0);
    let rows = client.simple_query("SELECT 48151").await?;
    drop(client);
    connection.await.unwrap()?;
    Ok(format!("{number} in {} messages", rows.len()))
}

async fn seen(
    server: MockServer,
    change: impl FnOnce(&mut Config),
    tls: TlsClient,
) -> (Result<String, String>, Observation) {
    let mut config = config(&server);
    change(&mut config);
    let answer = within(ask(&config, tls)).await.map_err(|error| {
        error.as_db_error().map_or_else(
            || error.to_string(),
            |error| format!("{} {}", error.code().code(), error.message()),
        )
    });
    (answer, finish(server).await)
}

fn proofs(seen: &Observation) -> Vec<Proof> {
    seen.connections
        .iter()
        .flat_map(|connection| &connection.entries)
        .filter_map(|entry| match entry.what {
            EntryKind::Proof(proof) => Some(proof),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn every_login_succeeds_with_the_right_password_and_fails_with_another() {
    for auth in [Auth::Password, Auth::Trust, Auth::Md5, Auth::ScramSha256, Auth::ScramSha256Plus] {
        for (mode, way) in [(SslMode::Disable, "plain"), (SslMode::Require, "ssl")] {
            let accept = if way == "ssl" { "sslaccept, " } else { "" };
            let server = server().auth(auth).start().await.unwrap();
            let (answer, seen_right) =
                seen(server, |config| _ = config.ssl_mode(mode), TlsClient::default()).await;
            assert_eq!(answer.as_deref(), Ok("48151 in 3 messages"), "{auth} {way}");
            assert_eq!(
                seen_right.trace.to_string(),
                format!("connect, {accept}authok -> {way}"),
                "{auth}"
            );
            if auth == Auth::Trust {
                assert_eq!(proofs(&seen_right), []);
                continue;
            }
            let server = support::server().auth(auth).start().await.unwrap();
            let (answer, seen_wrong) = seen(
                server,
                |config| _ = config.ssl_mode(mode).password("wrong"),
                TlsClient::default(),
            )
            .await;
            let canary = if way == "ssl" { String::new() } else { format!("{DEFAULT_CANARY}: ") };
            assert_eq!(
                answer,
                Err(format!("28P01 {canary}password authentication failed for user \"any\""))
            );
            assert_eq!(seen_wrong.trace.to_string(), format!("connect, {accept}authfail -> fail"));
            for (seen, expected) in [(&seen_right, true), (&seen_wrong, false)] {
                let right = match proofs(seen).last().unwrap() {
                    Proof::Password { right } | Proof::Md5 { right } => *right,
                    Proof::SaslFinal { bound, right, .. } => {
                        let plus = auth == Auth::ScramSha256Plus && way == "ssl";
                        assert_eq!(*bound, plus, "{auth} {way}");
                        *right
                    }
                    other => panic!("{other:?}"),
                };
                assert_eq!(right, expected, "{auth} {way}");
            }
            let challenges = &seen_right.connections[0].challenges;
            match auth {
                Auth::Md5 => assert!(matches!(challenges[..], [Challenge::Md5Salt(_)])),
                Auth::Password => assert_eq!(challenges, &[]),
                _ => assert!(matches!(challenges[..], [Challenge::ScramSalt(_, 4096)])),
            }
        }
    }
}

#[tokio::test]
async fn the_password_is_found_in_clear_only_where_it_left_in_clear() {
    for (mode, leaks) in [(SslMode::Disable, true), (SslMode::Require, false)] {
        let server = server().password("very-secret").start().await.unwrap();
        let (answer, seen) =
            seen(server, |config| _ = config.ssl_mode(mode), TlsClient::default()).await;
        answer.unwrap();
        let clear = &seen.connections[0].clear_from_client;
        assert_eq!(clear.windows(11).any(|window| window == b"very-secret"), leaks);
    }
}

#[tokio::test]
async fn pg_hba_decides_by_channel_in_postgresqls_words() {
    for (access, mode, refusal) in [
        (Access::SslOnly, SslMode::Disable, Some("no encryption")),
        (Access::SslOnly, SslMode::Require, None),
        (Access::NosslOnly, SslMode::Disable, None),
        (Access::NosslOnly, SslMode::Require, Some("SSL encryption")),
    ] {
        let server = server().access(access).canary("").start().await.unwrap();
        let (answer, seen) =
            seen(server, |config| _ = config.ssl_mode(mode), TlsClient::default()).await;
        match refusal {
            None => assert_eq!(answer.as_deref(), Ok("48151 in 3 messages"), "{access}"),
            Some(encryption) => {
                let wanted = format!(
                    "28000 no pg_hba.conf entry for host \"127.0.0.1\", user \"any\", \
                     database \"postgres\", {encryption}"
                );
                let got = answer.unwrap_err();
                assert!(got.starts_with(&wanted), "{got}");
                assert!(seen.trace.to_string().ends_with("authfail -> fail"));
                assert_eq!(proofs(&seen), []);
            }
        }
    }
}

#[tokio::test]
async fn channel_binding_holds_for_each_key_that_has_one() {
    for (key, binds) in [(Key::P256, true), (Key::Rsa2048, true), (Key::Ed25519, false)] {
        let server = server().auth(Auth::ScramSha256Plus).key(key).start().await.unwrap();
        let (answer, seen) = seen(
            server,
            |config| _ = config.channel_binding(ChannelBinding::Require),
            TlsClient::default(),
        )
        .await;
        assert_eq!(answer.is_ok(), binds, "{key}: {answer:?}");
        let wanted = if binds { "authok -> ssl" } else { "authquit -> fail" };
        assert_eq!(seen.trace.to_string(), format!("connect, sslaccept, {wanted}"), "{key}");
    }
}

#[tokio::test]
async fn direct_tls_logs_in() {
    let server = server().auth(Auth::ScramSha256Plus).start().await.unwrap();
    let (answer, seen) = seen(
        server,
        |config| _ = config.ssl_negotiation(SslNegotiation::Direct),
        TlsClient { alpn: true, ..TlsClient::default() },
    )
    .await;
    answer.unwrap();
    assert_eq!(seen.trace.to_string(), "connect, directsslaccept, authok -> ssl");
}

#[tokio::test]
async fn tls_versions_and_keys() {
    for (tls, version, name) in [
        (TlsVersions::Tls12To13, None, "TLSv1.3"),
        (TlsVersions::Tls12To13, Some(&TLS12), "TLSv1.2"),
        (TlsVersions::Tls12, None, "TLSv1.2"),
        (TlsVersions::Tls13, Some(&TLS13), "TLSv1.3"),
    ] {
        for key in [Key::P256, Key::Rsa2048, Key::Ed25519] {
            let server = server().tls(tls).key(key).auth(Auth::Trust).start().await.unwrap();
            let client = TlsClient { version, ..TlsClient::default() };
            let (answer, seen) = seen(server, |_| {}, client).await;
            answer.unwrap();
            let facts = seen.connections[0].tls.clone().unwrap();
            assert_eq!(facts.version.as_deref(), Some(name), "{tls} {key}");
            assert_eq!(facts.alpn, None);
        }
    }
    for (tls, version) in [(TlsVersions::Tls12, &TLS13), (TlsVersions::Tls13, &TLS12)] {
        let server = server().tls(tls).auth(Auth::Trust).start().await.unwrap();
        let client = TlsClient { version: Some(version), ..TlsClient::default() };
        let (answer, seen) = seen(server, |_| {}, client).await;
        answer.unwrap_err();
        assert_eq!(seen.trace.to_string(), "connect, sslaccept -> fail");
        let alert = EntryKind::Alert("fatal protocol_version".to_owned());
        assert!(seen.connections[0].entries.iter().any(|entry| entry.what == alert));
    }
}

#[tokio::test]
async fn client_certificates_as_postgresql_takes_them() {
    let cert = |which| TlsClient { client: Some((which, Key::P256)), ..TlsClient::default() };
    for version in [&TLS12, &TLS13] {
        for (tls, wanted) in [
            (TlsClient::default(), "connect, sslaccept, authfail -> fail"),
            (cert(ClientCertificate::Right), "connect, sslaccept, authok -> ssl"),
            (cert(ClientCertificate::Wrong), "connect, sslaccept -> fail"),
        ] {
            let tls = TlsClient { version: Some(version), ..tls };
            let server = server().auth(Auth::Cert).start().await.unwrap();
            let (answer, seen) = seen(server, |_| {}, tls).await;
            assert_eq!(seen.trace.to_string(), wanted, "{answer:?}");
            assert_eq!(answer.is_ok(), wanted.ends_with("ssl"));
        }
    }
    // Another user than the certificate names, and no TLS at all.
    let server = server().auth(Auth::Cert).start().await.unwrap();
    let (answer, _) =
        seen(server, |config| _ = config.user("other"), cert(ClientCertificate::Right)).await;
    assert_eq!(answer.unwrap_err(), "28000 certificate authentication failed for user \"other\"");
    let server = support::server().auth(Auth::Cert).start().await.unwrap();
    let (_, seen) =
        seen(server, |config| _ = config.ssl_mode(SslMode::Disable), TlsClient::default()).await;
    assert_eq!(seen.trace.to_string(), "connect, authfail -> fail");
}

#[tokio::test]
async fn the_url_works_as_it_stands() {
    let server = server().reply(Reply::Refuse).start().await.unwrap();
    for mode in ["disable", "prefer"] {
        let url = server.url(mode);
        let connect = tokio_postgres::connect(&url, NoTls);
        let (client, connection) = within(connect).await.unwrap();
        let connection = tokio::spawn(connection);
        within(client.simple_query("SELECT 1")).await.unwrap();
        drop(client);
        within(connection).await.unwrap().unwrap();
    }
    assert_eq!(trace(server).await, "connect, authok, reconnect, authok -> plain");
}

#[tokio::test]
async fn cancel_tokens_cancel_over_tls() {
    let server = server().certificate(Certificate::Valid).start().await.unwrap();
    let (client, connection) = config(&server).connect(TlsClient::default()).await.unwrap();
    let connection = tokio::spawn(connection);
    within(client.cancel_token().cancel_query(TlsClient::default())).await.unwrap();
    drop(client);
    within(connection).await.unwrap().unwrap();
    assert_eq!(
        trace(server).await,
        "connect, sslaccept, authok, reconnect, sslaccept, cancel -> fail"
    );
}

#[tokio::test]
async fn only_the_cells_query_decides() {
    let server = server().query_number(7).start().await.unwrap();
    let (answer, seen_other) = seen(server, |_| {}, TlsClient::default()).await;
    answer.unwrap();
    assert_eq!(seen_other.trace.to_string(), "connect, sslaccept, authok -> fail");
    let server = support::server().query_number(48151).start().await.unwrap();
    let (_, seen) = seen(server, |_| {}, TlsClient::default()).await;
    assert_eq!(seen.trace.to_string(), "connect, sslaccept, authok -> ssl");
    // Of several in one message, whichever comes last.
    let server = support::server().auth(Auth::Trust).query_number(48151).start().await.unwrap();
    let mut client = Raw::connect(&server).await;
    client.send(&startup("any")).await;
    client.send(&message(b'Q', b"SELECT 48151; SELECT 1\0")).await;
    client.send(&message(b'X', b"")).await;
    client.read_to_end().await;
    drop(client);
    assert_eq!(trace(server).await, "connect, authok -> plain");
}

#[tokio::test]
async fn protocols_are_negotiated() {
    let server = server().auth(Auth::Trust).start().await.unwrap();
    for (version, negotiated, key_size) in
        [(0x0003_0000_u32, None, 4), (0x0003_0002, None, 32), (0x0003_270f, Some(2_u8), 32)]
    {
        let mut client = Raw::connect(&server).await;
        client.send(&startup_version("any", version)).await;
        let mut messages = Vec::new();
        while messages.last().is_none_or(|(tag, _)| *tag != b'Z') {
            messages.push(client.read_message().await);
        }
        let body = |wanted: u8| {
            messages.iter().find(|(tag, _)| *tag == wanted).map(|(_, body)| body.clone())
        };
        let newest = negotiated.map(|minor| vec![0, 3, 0, minor, 0, 0, 0, 0]);
        assert_eq!(body(b'v'), newest, "{version:#x}");
        assert_eq!(body(b'K').unwrap().len(), 4 + key_size, "{version:#x}");
    }
    let mut client = Raw::connect(&server).await;
    client.send(&startup_version("any", 2 << 16)).await;
    assert_eq!(client.read_message().await.0, b'E');
    drop(client);
    let trace = trace(server).await;
    assert!(trace.ends_with("authok, reconnect, authfail -> fail"), "{trace}");
}

#[tokio::test]
async fn a_message_that_is_too_long_ends_the_connection_with_its_code() {
    let server = server().auth(Auth::Trust).start().await.unwrap();
    let mut client = Raw::connect(&server).await;
    client.send(&startup("any")).await;
    while client.read_message().await.0 != b'Z' {}
    client.send(&[b'Q', 0x7f, 0xff, 0xff, 0xff]).await;
    let (tag, body) = client.read_message().await;
    assert_eq!(tag, b'E');
    assert!(body.windows(6).any(|window| window == b"C08P01"), "{body:?}");
    assert_eq!(client.read_to_end().await, b"");
    drop(client);
    assert_eq!(trace(server).await, "connect, authok -> fail");
}

#[tokio::test]
async fn whoever_leaves_before_the_proof_quits() {
    let server = server().start().await.unwrap();
    for goodbye in [message(b'X', b""), Vec::new(), message(b'p', b"x")[..3].to_vec()] {
        let mut client = Raw::connect(&server).await;
        client.send(&startup("any")).await;
        assert_eq!(client.read_message().await.0, b'R');
        client.send(&goodbye).await;
    }
    assert_eq!(
        trace(server).await,
        "connect, authquit, reconnect, authquit, reconnect, authquit -> fail"
    );
}
