//! Closing a connection so that the peer sees an orderly end.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::dial::Transport;

/// How long a connection that is given up may linger, so that the alert arrives before the reset which closing
/// with unread bytes causes. Chosen to be longer than a round trip and too short to be noticed.
pub(crate) const CLOSE_TIMEOUT: Duration = Duration::from_millis(100);

/// Shuts `stream` down (with a close_notify where it is TLS) and gives the peer a moment to do the same.
pub(crate) async fn close(mut stream: impl Transport) {
    let shut_down = async {
        stream.shutdown().await?;
        let mut rest = [0; 1024];
        while stream.read(&mut rest).await? > 0 {}
        io::Result::Ok(())
    };
    match tokio::time::timeout(CLOSE_TIMEOUT, shut_down).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::trace!(%error, "the peer did not close in order"),
        Err(_) => tracing::trace!("the peer did not close in time"),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    #[tokio::test]
    async fn a_connection_with_unread_bytes_ends_in_order_and_not_in_a_reset() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let peer = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.expect("a connection");
            socket.write_all(b"nobody reads this").await.expect("written");
            let mut heard = Vec::new();
            socket.read_to_end(&mut heard).await.map(|_| heard)
        });
        let mut socket = TcpStream::connect(address).await.expect("connected");
        socket.readable().await.expect("readable");
        socket.write_all(b"farewell").await.expect("written");
        close(socket).await;
        assert_eq!(peer.await.expect("no panic").expect("no reset"), b"farewell");
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_never_closes_is_not_waited_for() {
        let (ours, _theirs) = tokio::io::duplex(64);
        tokio::time::timeout(CLOSE_TIMEOUT * 20, close(ours)).await.expect("an end");
    }
}
