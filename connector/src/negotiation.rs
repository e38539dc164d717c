//! The SSLRequest and its answer: one byte, and not one byte more.

use std::io;
use std::mem::MaybeUninit;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::error::Fault;

/// Length 8, then the request code 1234 in the high and 5679 in the low half (protocol documentation, "SSLRequest").
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// An answer that lets the connection go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// `S`, with nothing behind it: the handshake may begin.
    Tls,
    /// `N`: plaintext, if that is allowed. `more` says that bytes came with it, which nobody has asked for yet.
    Plain { more: bool },
}

/// Asks for TLS and reads the answer.
///
/// # Errors
/// All of them end the whole connect call: an error in place of an answer, whose text is not even read
/// (CVE-2024-10977); any other byte; a closed or reset connection; plaintext behind `S` (CVE-2021-23222).
pub(crate) async fn request_tls(
    socket: &mut TcpStream,
) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
    socket.write_all(&SSL_REQUEST).await?;
    let mut answer = [0; 1];
    if socket.read(&mut answer).await? == 0 {
        return Err(Fault::NoAnswer.into());
    }
    let [answer] = answer;
    tracing::debug!(answer = %answer.escape_ascii(), "server answered the SSLRequest");
    match answer {
        b'S' => match waiting(socket)? {
            0 => Ok(Answer::Tls),
            injected => Err(Fault::Injected(injected).into()),
        },
        b'N' => Ok(Answer::Plain { more: waiting(socket)? > 0 }),
        b'E' => Err(Fault::ErrorBeforeTls.into()),
        other => Err(Fault::UnexpectedAnswer(other).into()),
    }
}

/// How many bytes (as far as one look tells) have arrived and are not read yet. They stay where they are.
///
/// The system is asked, and not tokio, which says "not ready" also where the task has used up its share of the thread.
fn waiting(socket: &TcpStream) -> io::Result<usize> {
    match SockRef::from(socket).peek(&mut [MaybeUninit::uninit(); 64]) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        seen => seen,
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use tokio::task::coop::{consume_budget, has_budget_remaining};

    use super::*;

    #[tokio::test]
    async fn what_waits_is_seen_by_a_task_that_has_no_budget_left() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let socket = TcpStream::connect(address).await.expect("connected");
        let (mut peer, _) = listener.accept().await.expect("a connection");
        assert_eq!(waiting(&socket).expect("a look"), 0);
        peer.write_all(b"stuffed").await.expect("sent");
        socket.readable().await.expect("arrived");
        while has_budget_remaining() {
            consume_budget().await;
        }
        assert_eq!(waiting(&socket).expect("a look"), 7);
    }
}
