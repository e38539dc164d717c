//! The whole server in memory, and a client that says anything.

use std::{collections::HashMap, sync::LazyLock, time::Duration};

use pgtls_harness::Seed;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    runtime,
    task::yield_now,
    time::timeout,
};

use super::panics;
use crate::{
    DEFAULT_PASSWORD, MockServer,
    pki::Authority,
    script::{self, Conversation, Script},
    trace::Event,
    transcript::Observation,
};

/// How much longer than a connection may last nothing takes, on tokio's clock.
const GRACE: Duration = Duration::from_secs(600);

static AUTHORITY: LazyLock<Authority> =
    LazyLock::new(|| Authority::generate().expect("an authority"));

static SCRIPTS: LazyLock<HashMap<String, Script>> =
    LazyLock::new(|| script::all().into_iter().map(|named| (named.name, named.script)).collect());

/// A named script (the first line), how many bytes the client sends at a time (the next byte), and what it sends: the
/// server comes to an end by itself, sends no more than it may, and lets nobody in who has not sent the password.
pub fn server(data: &[u8]) {
    let end = data.iter().position(|&byte| byte == b'\n').unwrap_or(data.len());
    let script = SCRIPTS.get(&*String::from_utf8_lossy(&data[..end])).cloned().unwrap_or_default();
    let Some((&piece, bytes)) = data.get(end + 1..).and_then(<[u8]>::split_first) else { return };
    let runtime = runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let (seen, received) = panics::none_in(|| {
        runtime.expect("a runtime").block_on(run(script.clone(), usize::from(piece).max(1), bytes))
    });
    assert_eq!(seen.trace.connections.len(), 1);
    // Of what an honest server may be asked for, nothing is as long as this.
    assert!(received < (1 << 20) + 1024 * bytes.len(), "{received} bytes for {}", bytes.len());

    let first = script.connections.first();
    let asks = first.is_none_or(|first| first.startup == Conversation::default().startup);
    let knows =
        bytes.windows(DEFAULT_PASSWORD.len()).any(|part| part == DEFAULT_PASSWORD.as_bytes());
    if asks && !knows && !script.outline(0).injects() {
        assert!(!seen.trace.connections[0].contains(&Event::AuthOk), "{}", seen.trace);
    }
}

/// What the server saw, and how many bytes it sent.
async fn run(script: Script, piece: usize, bytes: &[u8]) -> (Observation, usize) {
    let builder = MockServer::builder().authority(AUTHORITY.clone()).script(script);
    let builder = builder.seed(Seed::new(1)).memory(1 << 20);
    let server = builder.start_in_memory().await.expect("a server");
    let stream = server.dialer().expect("it is in memory").dial().await.expect("a connection");
    let (mut from_server, mut to_server) = tokio::io::split(stream);
    let write = async {
        for piece in bytes.chunks(piece) {
            if to_server.write_all(piece).await.is_err() {
                return;
            }
            yield_now().await;
        }
        let _ = to_server.shutdown().await;
    };
    let read = async {
        let (mut buffer, mut received) = ([0; 4096], 0);
        while let Ok(count @ 1..) = from_server.read(&mut buffer).await {
            received += count;
        }
        received
    };
    let both = async { tokio::join!(write, read).1 };
    let received = timeout(GRACE, both).await.expect("it ends by itself");
    (server.finish(GRACE).await, received)
}
