//! The transport: what a wire runs over, whose end can be a reset.

use std::{fmt, time::Duration};

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

/// A byte stream in both directions that can be reset.
///
/// [`TcpStream`] is one, and [`MemoryStream`](crate::memory::MemoryStream) is one without a socket.
pub trait Transport: AsyncRead + AsyncWrite + Unpin + Send {
    /// Ends the connection in both directions at once: the peer sees ConnectionReset (RST) where it
    /// would have seen the end of file.
    fn reset(self: Box<Self>);
}

impl Transport for TcpStream {
    fn reset(self: Box<Self>) {
        // With a linger time of zero, closing sends RST in place of FIN (`man 7 socket`).
        if let Err(error) = SockRef::from(&*self).set_linger(Some(Duration::ZERO)) {
            tracing::debug!(%error, "cannot make the close a reset");
        }
    }
}

impl fmt::Debug for dyn Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}
