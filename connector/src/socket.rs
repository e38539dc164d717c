//! Opening sockets, and closing them so that the peer sees an orderly end.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::config::TcpOptions;

/// How long a connection that is given up may linger, so that the alert arrives before the reset which closing
/// with unread bytes causes. Chosen to be longer than a round trip and too short to be noticed.
pub(crate) const LINGER: Duration = Duration::from_millis(100);

/// Anything that can carry a session.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Where to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    Tcp(SocketAddr),
    /// The socket itself, not its folder.
    Unix(PathBuf),
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Address::Tcp(address) => address.fmt(f),
            Address::Unix(path) => path.display().fmt(f),
        }
    }
}

/// Opens a TCP connection with these options.
pub(crate) async fn open_tcp(address: SocketAddr, options: &TcpOptions) -> io::Result<TcpStream> {
    let socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let raw = SockRef::from(&socket);
    if options.keepalives {
        raw.set_keepalive(true)?;
        let mut keepalive = TcpKeepalive::new();
        if let Some(idle) = options.idle {
            keepalive = keepalive.with_time(idle);
        }
        if let Some(interval) = options.interval {
            keepalive = keepalive.with_interval(interval);
        }
        if let Some(count) = options.count {
            keepalive = keepalive.with_retries(count);
        }
        if options.idle.is_some() || options.interval.is_some() || options.count.is_some() {
            raw.set_tcp_keepalive(&keepalive)?;
        }
    }
    #[cfg(target_os = "linux")]
    raw.set_tcp_user_timeout(options.user_timeout)?;
    Ok(socket)
}

/// A second handle on a socket that a TLS library is about to swallow, to close it properly if the handshake fails.
#[must_use = "a spare handle keeps the connection open until it is closed or dropped"]
pub(crate) struct Spare(socket2::Socket);

impl Spare {
    pub(crate) fn of(socket: &TcpStream) -> io::Result<Spare> {
        SockRef::from(socket).try_clone().map(Spare)
    }

    /// Ends the connection: no more bytes from us, and those of the peer are read away until it ends too.
    pub(crate) async fn close(self) {
        match TcpStream::from_std(self.0.into()) {
            Ok(socket) => close(socket).await,
            Err(error) => tracing::debug!(%error, "closing without lingering"),
        }
    }
}

/// Shuts `stream` down (with a close_notify where it is TLS) and gives the peer a moment to do the same.
pub(crate) async fn close(mut stream: impl Io) {
    let farewell = async {
        stream.shutdown().await?;
        let mut rest = [0; 1024];
        while stream.read(&mut rest).await? > 0 {}
        io::Result::Ok(())
    };
    match tokio::time::timeout(LINGER, farewell).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::trace!(%error, "the peer did not part in order"),
        Err(_) => tracing::trace!("the peer did not part in time"),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

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
        let spare = Spare::of(&socket).expect("a second handle");
        socket.readable().await.expect("readable");
        socket.write_all(b"farewell").await.expect("written");
        drop(socket);
        spare.close().await;
        assert_eq!(peer.await.expect("no panic").expect("no reset"), b"farewell");
    }

    #[tokio::test]
    async fn a_peer_that_never_parts_is_not_waited_for() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let socket = TcpStream::connect(listener.local_addr().expect("an address"))
            .await
            .expect("connected");
        let _peer = listener.accept().await.expect("a connection");
        tokio::time::timeout(LINGER * 20, close(socket)).await.expect("an end");
    }
}
