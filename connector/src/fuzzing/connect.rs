//! The whole connector, and a server that says anything.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::runtime;
use tokio::sync::mpsc;
use tokio::task::{JoinSet, yield_now};
use tokio::time::timeout;

use crate::dial::{Dial, DialFuture, Endpoint, Transport};
use crate::{Backend, Config, Connector, SslMode};

/// What must not be said to somebody who has not proved to be anybody.
const USER: &str = "canary-user";
const PASSWORD: &str = "canary-password";

/// The settings that a byte chooses from.
const SETTINGS: [&str; 8] = [
    "sslmode=disable",
    "sslmode=allow",
    "sslmode=prefer",
    "sslmode=require",
    "sslmode=require sslnegotiation=direct",
    "sslmode=require channel_binding=require",
    "sslmode=verify-full sslrootcert=system",
    "sslmode=prefer channel_binding=require target_session_attrs=read-write",
];

/// Gives the server's end of each connection to the server.
struct InMemory(mpsc::UnboundedSender<DuplexStream>);

impl Dial for InMemory {
    fn dial<'a>(&'a self, _: &'a Endpoint) -> DialFuture<'a, Box<dyn Transport>> {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let sent = self.0.send(theirs).map_err(|_| io::ErrorKind::ConnectionRefused.into());
        Box::pin(async move { sent.map(|()| Box::new(ours) as Box<dyn Transport>) })
    }
}

/// A byte for settings and backend, one for how many bytes the server sends at a time, and what it sends on every
/// connection: the call ends, after two connections at most; and where TLS is demanded, it fails with nothing said, for
/// no such server has finished a handshake.
pub fn connect(data: &[u8]) {
    let Some((&[choice, piece], bytes)) = data.split_first_chunk() else { return };
    let settings = SETTINGS[usize::from(choice) % SETTINGS.len()];
    let text = format!("host=h user={USER} password={PASSWORD} connect_timeout=5 {settings}");
    let config: Config = text.parse().expect("settings");
    // Whatever this machine trusts.
    let config = config.system_store([""; 0]);
    let backend = if choice & 0x80 == 0 { Backend::rustls() } else { Backend::native_tls() };
    let connector = Connector::from_config(&config).expect("settings").with_backend(backend);
    let demanded = connector.ssl_mode() >= SslMode::Require;

    let said = Arc::new(Mutex::new(Vec::new()));
    let runtime = runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let (connections, connected) = runtime.expect("a runtime").block_on(async {
        let (sender, mut accepted) = mpsc::unbounded_channel();
        let connector = connector.with_dialer(Arc::new(InMemory(sender)));
        let (piece, bytes) = (usize::from(piece).max(1), Arc::<[u8]>::from(bytes));
        let told = Arc::clone(&said);
        let server = tokio::spawn(async move {
            let mut served = JoinSet::new();
            while let Some(stream) = accepted.recv().await {
                served.spawn(serve(stream, piece, Arc::clone(&bytes), Arc::clone(&told)));
            }
            served.join_all().await.len()
        });
        let call = timeout(Duration::from_secs(600), connector.connect());
        let connected = call.await.expect("it ends by itself").is_ok();
        drop(connector);
        (server.await.expect("the server"), connected)
    });
    assert!(connections <= 2, "{connections} connections");
    if demanded {
        assert!(!connected, "no handshake was finished");
        let said = said.lock().unwrap_or_else(PoisonError::into_inner);
        for secret in [USER, PASSWORD] {
            assert!(!said.windows(secret.len()).any(|part| part == secret.as_bytes()), "{secret}");
        }
    }
}

/// Sends all there is, and closes; notes what the client says until it does so.
async fn serve(stream: DuplexStream, piece: usize, bytes: Arc<[u8]>, said: Arc<Mutex<Vec<u8>>>) {
    let (mut from_client, mut to_client) = tokio::io::split(stream);
    let write = async {
        for piece in bytes.chunks(piece) {
            if to_client.write_all(piece).await.is_err() {
                return;
            }
            yield_now().await;
        }
        let _ = to_client.shutdown().await;
    };
    let read = async {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = from_client.read(&mut buffer).await {
            said.lock().unwrap_or_else(PoisonError::into_inner).extend(&buffer[..count]);
        }
    };
    tokio::join!(write, read);
}
