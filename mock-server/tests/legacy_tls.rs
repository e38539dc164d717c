//! `--tls 1.0-1.1`: clients of today are turned away, and those of yesterday served.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

use openssl::ssl::{
    SslConnector, SslConnectorBuilder, SslFiletype, SslMethod, SslStream, SslVerifyMode, SslVersion,
};
use pgtls_mock_server::{
    MockServer,
    axes::{Auth, Key, TlsVersions},
    pki::ClientCertificate,
    transcript::{EntryKind, Observation},
};
use support::*;

/// A client that speaks these versions, however old.
fn client(version: SslVersion) -> SslConnectorBuilder {
    let mut builder = SslConnector::builder(SslMethod::tls_client()).unwrap();
    builder.set_min_proto_version(Some(version)).unwrap();
    builder.set_max_proto_version(Some(version)).unwrap();
    builder.set_cipher_list("ALL:@SECLEVEL=0").unwrap();
    builder.set_verify(SslVerifyMode::NONE);
    builder
}

/// SSLRequest, unless `direct`, then the handshake.
fn handshake(
    address: SocketAddr,
    client: SslConnectorBuilder,
    direct: bool,
) -> Result<SslStream<TcpStream>, String> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    if !direct {
        stream.write_all(&SSL_REQUEST).unwrap();
        let mut answer = [0];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"S");
    }
    let config = client.build().configure().unwrap().verify_hostname(false);
    config.connect("localhost", stream).map_err(|error| error.to_string())
}

/// Logs in, asks, leaves.
fn ask(stream: &mut SslStream<TcpStream>) -> std::io::Result<Vec<u8>> {
    stream.write_all(&startup("any"))?;
    stream.write_all(&message(b'Q', b"SELECT 7\0"))?;
    stream.write_all(&message(b'X', b""))?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

async fn legacy(auth: Auth, key: Key) -> MockServer {
    server().tls(TlsVersions::Tls10To11).auth(auth).key(key).start().await.unwrap()
}

async fn run<T: Send + 'static>(
    server: MockServer,
    client: impl FnOnce(SocketAddr) -> T + Send + 'static,
) -> (T, Observation) {
    let address = server.address();
    let result = tokio::task::spawn_blocking(move || client(address)).await.unwrap();
    (result, finish(server).await)
}

#[tokio::test]
async fn old_clients_are_served() {
    for (version, name) in [(SslVersion::TLS1, "TLSv1.0"), (SslVersion::TLS1_1, "TLSv1.1")] {
        for key in [Key::P256, Key::Rsa2048] {
            let server = legacy(Auth::Trust, key).await;
            let (answer, seen) = run(server, move |address| {
                ask(&mut handshake(address, client(version), false).unwrap()).unwrap()
            })
            .await;
            assert!(answer.windows(8).any(|window| window == b"SELECT 1"), "{answer:?}");
            assert_eq!(seen.trace.to_string(), "connect, sslaccept, authok -> ssl");
            let facts = seen.connections[0].tls.clone().unwrap();
            assert_eq!(facts.version.as_deref(), Some(name));
            assert_eq!(facts.versions_offered, [name]);
            assert!(facts.cipher.unwrap().starts_with("TLS_ECDHE_"));
        }
    }
}

#[tokio::test]
async fn clients_of_today_are_turned_away() {
    for newest in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
        let server = legacy(Auth::Trust, Key::P256).await;
        let (error, seen) = run(server, move |address| {
            let mut client = client(SslVersion::TLS1_2);
            client.set_max_proto_version(Some(newest)).unwrap();
            handshake(address, client, false).map(drop).unwrap_err()
        })
        .await;
        assert!(error.contains("protocol"), "{error}");
        assert_eq!(seen.trace.to_string(), "connect, sslaccept -> fail");
        // From the server where the client lists its versions, else from the client.
        let alert = EntryKind::Alert("fatal protocol_version".to_owned());
        assert!(seen.connections[0].entries.iter().any(|entry| entry.what == alert));
    }
}

#[tokio::test]
async fn alpn_is_chosen_or_the_handshake_fails() {
    for (offered, direct, wanted) in [
        (&b"\x0apostgresql"[..], true, "connect, directsslaccept -> fail"),
        (b"", true, "connect, directsslreject -> fail"),
        (b"\x08http/1.1", true, "connect, directsslreject -> fail"),
        (b"\x08http/1.1", false, "connect, sslaccept -> fail"),
        (b"\x08http/1.1\x0apostgresql", false, "connect, sslaccept -> fail"),
    ] {
        let server = legacy(Auth::Trust, Key::P256).await;
        let (complete, seen) = run(server, move |address| {
            let mut client = client(SslVersion::TLS1_1);
            if !offered.is_empty() {
                client.set_alpn_protos(offered).unwrap();
            }
            handshake(address, client, direct).is_ok()
        })
        .await;
        assert_eq!(seen.trace.to_string(), wanted);
        let overlap = offered.is_empty() || offered.ends_with(b"postgresql");
        assert_eq!(complete, overlap, "{offered:?}");
    }
}

#[tokio::test]
async fn client_certificates_count_here_too() {
    for (which, wanted) in [
        (None, "connect, sslaccept, authfail -> fail"),
        (Some(ClientCertificate::Right), "connect, sslaccept, authok -> ssl"),
        (Some(ClientCertificate::Wrong), "connect, sslaccept -> fail"),
    ] {
        let server = legacy(Auth::Cert, Key::P256).await;
        let (_, seen) = run(server, move |address| {
            let mut client = client(SslVersion::TLS1_1);
            if let Some(which) = which {
                let files = authority().client_identity(which, Key::P256).unwrap();
                client.set_certificate_file(files.certificate(), SslFiletype::PEM).unwrap();
                client.set_private_key_file(files.key(), SslFiletype::PEM).unwrap();
            }
            handshake(address, client, false).map(|mut stream| ask(&mut stream))
        })
        .await;
        assert_eq!(seen.trace.to_string(), wanted, "{which:?}");
    }
}

#[tokio::test]
async fn noise_inside_is_answered_by_an_alert() {
    let server = legacy(Auth::Trust, Key::P256).await;
    let (end, seen) = run(server, |address| {
        let mut stream = handshake(address, client(SslVersion::TLS1_1), false).unwrap();
        stream.write_all(&startup("any")).unwrap();
        stream.get_mut().write_all(&[23, 3, 2, 0, 4, 1, 2, 3, 4]).unwrap();
        let mut raw = Vec::new();
        stream.get_mut().read_to_end(&mut raw)
    })
    .await;
    end.unwrap();
    assert_eq!(seen.trace.to_string(), "connect, sslaccept, authok -> fail");
}
