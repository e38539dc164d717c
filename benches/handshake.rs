//! What TLS costs a session: each library, TLS 1.2 and 1.3, full and resumed handshakes.
//!
//! A measurement is a whole session of tokio-postgres with the mock server, from the TCP connection to its
//! end. The same session in plaintext is the floor, and a rustls handshake in memory the limit: what is
//! above their sum is overhead. Client and server share one thread, so that time is work and not waiting.
//! Both sides of the handshake in memory run on that thread too, with the server's provider and certificate.
//!
//! native-tls has no resumption: its API neither gives nor takes sessions.

mod support {
    pub(crate) mod in_memory;
    pub(crate) mod query;
    pub(crate) mod session;
    pub(crate) mod tls;
}

use std::{sync::Arc, time::Duration};

use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, measurement::WallTime};
use pgtls_mock_server::{MockServer, axes::TlsVersions, pki::Authority};
use postgres_native_tls::MakeTlsConnector;
use rustls::{
    HandshakeKind,
    crypto::{CryptoProvider, aws_lc_rs, ring},
};
use support::{in_memory, session, tls};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Runtime,
};
use tokio_postgres::{NoTls, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

/// SSLRequest, as the protocol's documentation has it: length 8, code 80877103.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

type Group<'a> = BenchmarkGroup<'a, WallTime>;

fn main() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let authority = Authority::generate().expect("an authority");
    let mut criterion = Criterion::default().without_plots().configure_from_args();
    let mut group = criterion.benchmark_group("handshake");
    group
        .throughput(Throughput::Elements(1))
        .sample_size(20)
        .nresamples(5_000)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1200));
    plaintext(&mut group, &runtime, &authority);
    let providers = [
        ("ring", Arc::new(ring::default_provider())),
        ("aws-lc-rs", Arc::new(aws_lc_rs::default_provider())),
    ];
    for version in [TlsVersions::Tls12, TlsVersions::Tls13] {
        for resumption in [false, true] {
            for (name, provider) in &providers {
                rustls(&mut group, &runtime, &authority, (name, provider), version, resumption);
            }
        }
        native_tls(&mut group, &runtime, &authority, version);
    }
    group.finish();
    criterion.final_summary();
}

fn plaintext(group: &mut Group<'_>, runtime: &Runtime, authority: &Authority) {
    let server = start(runtime, authority, TlsVersions::default(), false);
    let config = session::config(&server, SslMode::Disable);
    group.bench_function("plaintext", |bencher| {
        bencher.to_async(runtime).iter(|| session::run(&config, NoTls));
    });
}

fn rustls(
    group: &mut Group<'_>,
    runtime: &Runtime,
    authority: &Authority,
    (name, provider): (&str, &Arc<CryptoProvider>),
    version: TlsVersions,
    resumption: bool,
) {
    let case = case(version, resumption);
    let wanted = if resumption { HandshakeKind::Resumed } else { HandshakeKind::Full };

    let server = start(runtime, authority, version, resumption);
    let client = tls::rustls_client(provider, authority, version, resumption);
    let config = session::config(&server, SslMode::Require);
    // The store of sessions is shared by clones.
    let connector = MakeRustlsConnect::new(client.clone());
    group.bench_function(BenchmarkId::new(format!("rustls-{name}"), &case), |bencher| {
        runtime.block_on(session::run(&config, connector.clone()));
        assert_eq!(runtime.block_on(kind(&server, client.clone())), wanted);
        bencher.to_async(runtime).iter(|| session::run(&config, connector.clone()));
    });

    let server = in_memory::server(authority, version, resumption);
    let client = Arc::new(tls::rustls_client(provider, authority, version, resumption));
    group.bench_function(BenchmarkId::new(format!("in-memory-{name}"), &case), |bencher| {
        in_memory::handshake(&client, &server);
        bencher.iter(|| assert_eq!(in_memory::handshake(&client, &server), wanted));
    });
}

fn native_tls(
    group: &mut Group<'_>,
    runtime: &Runtime,
    authority: &Authority,
    version: TlsVersions,
) {
    let server = start(runtime, authority, version, false);
    let root = std::fs::read(server.ca_path()).expect("the root's file");
    let root = native_tls::Certificate::from_pem(&root).expect("a certificate");
    let connector = native_tls::TlsConnector::builder()
        .disable_built_in_roots(true)
        .add_root_certificate(root)
        .build()
        .expect("a connector");
    let connector = MakeTlsConnector::new(connector);
    let config = session::config(&server, SslMode::Require);
    group.bench_function(BenchmarkId::new("native-tls", case(version, false)), |bencher| {
        bencher.to_async(runtime).iter(|| session::run(&config, connector.clone()));
    });
}

fn start(
    runtime: &Runtime,
    authority: &Authority,
    version: TlsVersions,
    resumption: bool,
) -> MockServer {
    runtime
        .block_on(
            MockServer::builder()
                .authority(authority.clone())
                .key(tls::KEY)
                .tls(version)
                .resumption(resumption)
                .start(),
        )
        .expect("a server")
}

fn case(version: TlsVersions, resumption: bool) -> String {
    format!("{version}-{}", if resumption { "resumed" } else { "full" })
}

/// Which kind of handshake the next session will make: tokio-postgres-rustls does not tell.
async fn kind(server: &MockServer, client: rustls::ClientConfig) -> HandshakeKind {
    let mut stream = TcpStream::connect(server.address()).await.expect("a connection");
    stream.write_all(&SSL_REQUEST).await.expect("an open connection");
    assert_eq!(stream.read_u8().await.expect("an answer"), b'S');
    let name = "localhost".try_into().expect("a name");
    let stream = tokio_rustls::TlsConnector::from(Arc::new(client))
        .connect(name, stream)
        .await
        .expect("a handshake");
    stream.get_ref().1.handshake_kind().expect("a complete handshake")
}
