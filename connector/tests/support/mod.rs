//! A PostgreSQL server played by hand: each connection follows a script and tells what it was sent.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// No test waits longer for anything.
pub(crate) const TEST_TIMEOUT: Duration = Duration::from_secs(10);

/// One line of a script.
#[derive(Clone)]
pub(crate) enum Act {
    /// Reads a packet without a type: an SSLRequest, a StartupMessage, a CancelRequest.
    Packet,
    /// Reads a message with a type.
    Message,
    /// Reads a TLS record: the ClientHello.
    Hello,
    /// Sends these bytes in one segment.
    Send(Vec<u8>),
    /// Resets the connection.
    Reset,
    /// Keeps silent until the client ends the connection.
    Wait,
}
pub(crate) use Act::{Hello, Message, Packet, Reset, Send, Wait};

/// The peer's guard: everything stops when it is dropped.
#[must_use = "the peer stops when its guard is dropped"]
pub(crate) struct Peer {
    pub(crate) port: u16,
    seen: Arc<Mutex<Vec<Vec<String>>>>,
    serving: JoinHandle<()>,
}

impl Peer {
    /// Listens on a free port; connection by connection follows the next script, and one too many follows none.
    pub(crate) async fn play(scripts: Vec<Vec<Act>>) -> Peer {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&seen);
        let serving = tokio::spawn(async move {
            let mut scripts = scripts.into_iter();
            while let Ok((socket, _)) = listener.accept().await {
                let script = scripts.next();
                let number = {
                    let mut seen = record.lock().unwrap_or_else(PoisonError::into_inner);
                    seen.push(Vec::new());
                    seen.len() - 1
                };
                let record = Arc::clone(&record);
                let tell = move |what: String| {
                    record.lock().unwrap_or_else(PoisonError::into_inner)[number].push(what);
                };
                match script {
                    // One after another, so that what a later connection finds told is told.
                    Some(script) => perform(socket, script, &tell).await,
                    None => tell("unexpected".to_owned()),
                }
            }
        });
        Peer { port, seen, serving }
    }

    /// What each connection was sent, in order.
    pub(crate) fn seen(&self) -> Vec<Vec<String>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The same, once `lines` lines are told.
    pub(crate) async fn seen_after(&self, lines: usize) -> Vec<Vec<String>> {
        let told = async {
            while self.seen().iter().map(Vec::len).sum::<usize>() < lines {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let _ = tokio::time::timeout(TEST_TIMEOUT, told).await;
        self.seen()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn perform(mut socket: TcpStream, script: Vec<Act>, tell: &(impl Fn(String) + Sync)) {
    for act in script {
        if let Reset = act {
            let _ = socket2::SockRef::from(&socket).set_linger(Some(Duration::ZERO));
            return;
        }
        if follow(&mut socket, act, tell).await.is_none() {
            return;
        }
    }
    // A close with unread bytes would be a reset, which is another script.
    let _ = socket.shutdown().await;
    rest(&mut socket, tell).await;
}

/// Follows one line of the script on any stream; none when the client has gone.
pub(crate) async fn follow(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    act: Act,
    tell: &(impl Fn(String) + Sync),
) -> Option<()> {
    match act {
        Packet => {
            let Some(body) = packet(stream).await else {
                tell("end".to_owned());
                return None;
            };
            tell(name(&body));
        }
        Message => {
            let Ok(tag) = stream.read_u8().await else {
                tell("end".to_owned());
                return None;
            };
            packet(stream).await?;
            tell(format!("message {}", char::from(tag)));
        }
        Hello => {
            let mut header = [0; 5];
            stream.read_exact(&mut header).await.ok()?;
            let mut body = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
            stream.read_exact(&mut body).await.ok()?;
            tell(if header[..2] == [22, 3] {
                "ClientHello".to_owned()
            } else {
                format!("record {}", header[0])
            });
        }
        Send(bytes) => stream.write_all(&bytes).await.ok()?,
        Wait => {
            rest(stream, tell).await;
            return None;
        }
        Reset => {}
    }
    Some(())
}

async fn packet(stream: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let length = stream.read_u32().await.ok()? as usize;
    let mut body = vec![0; length.checked_sub(4)?];
    stream.read_exact(&mut body).await.ok()?;
    Some(body)
}

fn name(body: &[u8]) -> String {
    match body {
        [4, 0xd2, 0x16, 0x2f] => "SSLRequest".to_owned(),
        [4, 0xd2, 0x16, 0x2e, key @ ..] => format!("CancelRequest {key:?}"),
        [0, 3, 0, 0, ..] => "StartupMessage".to_owned(),
        other => format!("packet {other:?}"),
    }
}

/// Whatever still comes, until the client ends.
async fn rest(stream: &mut (impl AsyncRead + Unpin), tell: &(impl Fn(String) + Sync)) {
    let mut bytes = Vec::new();
    let mut space = [0; 1024];
    while let Ok(read @ 1..) = stream.read(&mut space).await {
        bytes.extend_from_slice(&space[..read]);
    }
    match bytes.as_slice() {
        [] => {}
        [22, 3, ..] => tell("ClientHello".to_owned()),
        [b'X', 0, 0, 0, 4] => tell("message X".to_owned()),
        other => tell(format!("{} bytes", other.len())),
    }
    tell("end".to_owned());
}

/// A backend message.
pub(crate) fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32 + 4).to_be_bytes();
    [&[tag][..], &length, body].concat()
}

/// An ErrorResponse with this SQLSTATE and text.
pub(crate) fn error(code: &str, text: &str) -> Vec<u8> {
    message(b'E', format!("SFATAL\0VFATAL\0C{code}\0M{text}\0\0").as_bytes())
}

/// AuthenticationOk to ReadyForQuery, with a key and these parameters.
pub(crate) fn login(parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = message(b'R', &[0, 0, 0, 0]);
    for (name, value) in
        [("server_version", "18.4"), ("client_encoding", "UTF8")].iter().chain(parameters)
    {
        bytes.extend(message(b'S', format!("{name}\0{value}\0").as_bytes()));
    }
    bytes.extend(message(b'K', &[0, 0, 0, 7, 0, 0, 0, 9]));
    bytes.extend(message(b'Z', b"I"));
    bytes
}

/// AuthenticationCleartextPassword.
pub(crate) fn password_request() -> Vec<u8> {
    message(b'R', &[0, 0, 0, 3])
}

/// The answer to a simple query: one row with this text.
pub(crate) fn row(value: &str) -> Vec<u8> {
    let description =
        [&[0, 1][..], b"?column?\0", &[0; 6], &[0, 0, 0, 25], &[0xff; 6], &[0, 0]].concat();
    let data = [&[0, 1][..], &(value.len() as u32).to_be_bytes(), value.as_bytes()].concat();
    [
        message(b'T', &description),
        message(b'D', &data),
        message(b'C', b"SELECT 1\0"),
        message(b'Z', b"I"),
    ]
    .concat()
}
