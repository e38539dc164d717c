//! The transport: what a wire runs over, whose end can be a reset.

use std::{
    fmt, io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// A byte stream in both directions that can be reset.
///
/// [`TcpStream`] is one, and [`MemoryStream`](crate::MemoryStream) is one without a socket.
/// [`WithoutReset`] makes one of any other stream.
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

/// Any stream as a [`Transport`]: one that knows no reset, such as a pipe or a Unix socket, is
/// dropped in place of it.
#[derive(Debug, Clone, Copy)]
pub struct WithoutReset<S>(pub S);

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Transport for WithoutReset<S> {
    fn reset(self: Box<Self>) {}
}

impl<S: AsyncRead + Unpin> AsyncRead for WithoutReset<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WithoutReset<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
