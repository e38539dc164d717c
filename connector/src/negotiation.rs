//! The SSLRequest and its answer: one byte, and whether more came with it.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;

use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::task::unconstrained;

use crate::dial::Transport;
use crate::error::Fault;

/// Length 8, then the request code 1234 in the high and 5679 in the low half (protocol documentation, "SSLRequest").
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// An answer that lets the connection go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// `S`, with nothing behind it: the handshake may begin.
    Tls,
    /// `N`: plaintext, if that is allowed. `behind` came with it, though nobody has asked for it yet.
    Plain { behind: Vec<u8> },
}

/// Asks for TLS and reads the answer.
///
/// # Errors
/// All of them end the whole connect call: an error in place of an answer, whose text is not even read
/// (CVE-2024-10977); any other byte; a closed or reset connection; plaintext behind `S` (CVE-2021-23222).
pub(crate) async fn request_tls(
    transport: &mut dyn Transport,
) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
    transport.write_all(&SSL_REQUEST).await?;
    transport.flush().await?;
    let mut answer = [0; 1];
    if transport.read(&mut answer).await? == 0 {
        return Err(Fault::NoAnswer.into());
    }
    let [answer] = answer;
    tracing::debug!(answer = %answer.escape_ascii(), "server answered the SSLRequest");
    match answer {
        b'S' => match arrived(transport).await?.len() {
            0 => Ok(Answer::Tls),
            injected => Err(Fault::Injected(injected).into()),
        },
        b'N' => Ok(Answer::Plain { behind: arrived(transport).await? }),
        b'E' => Err(Fault::ErrorBeforeTls.into()),
        other => Err(Fault::UnexpectedAnswer(other).into()),
    }
}

/// What has arrived already, as far as one look tells; it waits for nothing.
///
/// Out of tokio's budget, because a task that has used up its share of the thread is told "nothing yet" whatever is there.
async fn arrived(transport: &mut dyn Transport) -> io::Result<Vec<u8>> {
    let mut space = [0; 64];
    let mut buf = ReadBuf::new(&mut space);
    let look = poll_fn(|cx| match Pin::new(&mut *transport).poll_read(cx, &mut buf) {
        Poll::Ready(read) => Poll::Ready(read),
        Poll::Pending => Poll::Ready(Ok(())),
    });
    unconstrained(look).await?;
    Ok(buf.filled().to_vec())
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpStream};
    use tokio::task::coop::{consume_budget, has_budget_remaining};

    use super::*;

    #[tokio::test]
    async fn what_has_arrived_is_seen_by_a_task_that_has_no_budget_left() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut socket = TcpStream::connect(address).await.expect("connected");
        let (mut peer, _) = listener.accept().await.expect("a connection");
        assert_eq!(arrived(&mut socket).await.expect("a look"), b"");
        peer.write_all(b"injected").await.expect("sent");
        socket.readable().await.expect("arrived");
        while has_budget_remaining() {
            consume_budget().await;
        }
        assert_eq!(arrived(&mut socket).await.expect("a look"), b"injected");
    }
}
