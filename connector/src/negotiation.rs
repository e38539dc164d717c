//! The SSLRequest and its answer: one byte, and not one byte more.

use std::future::poll_fn;
use std::task::Poll;

use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadBuf};
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
        b'S' => match waiting(socket).await? {
            0 => Ok(Answer::Tls),
            injected => Err(Fault::Injected(injected).into()),
        },
        b'N' => Ok(Answer::Plain { more: waiting(socket).await? > 0 }),
        b'E' => Err(Fault::ErrorBeforeTls.into()),
        other => Err(Fault::UnexpectedAnswer(other).into()),
    }
}

/// How many bytes (as far as one look tells) have arrived and are not read yet. They stay where they are.
async fn waiting(socket: &mut TcpStream) -> std::io::Result<usize> {
    let mut space = [0; 64];
    let mut buffer = ReadBuf::new(&mut space);
    poll_fn(|cx| match socket.poll_peek(cx, &mut buffer) {
        Poll::Ready(seen) => Poll::Ready(seen),
        Poll::Pending => Poll::Ready(Ok(0)),
    })
    .await
}
