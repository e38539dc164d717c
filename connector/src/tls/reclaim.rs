//! A stream for a TLS library that drops it when a handshake fails: it comes back then, to be closed in order.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::dial::Transport;

type Slot = Mutex<Option<Box<dyn Transport>>>;

/// A stream that goes back to its [`Origin`] when it is dropped, if that is still there.
pub(super) struct Reclaimable {
    stream: Box<dyn Transport>,
    origin: Weak<Slot>,
}

/// Whom the stream comes back to. Drop it once the handshake has succeeded.
pub(super) struct Origin(Arc<Slot>);

impl Reclaimable {
    pub(super) fn new(stream: Box<dyn Transport>) -> (Reclaimable, Origin) {
        let slot = Arc::default();
        let origin = Arc::downgrade(&slot);
        (Reclaimable { stream, origin }, Origin(slot))
    }
}

impl Origin {
    /// The stream, if the library has dropped it.
    pub(super) fn reclaim(self) -> Option<Box<dyn Transport>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Reclaimable {
    fn drop(&mut self) {
        if let Some(slot) = self.origin.upgrade() {
            let stream = std::mem::replace(&mut self.stream, Box::new(tokio::io::empty()));
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(stream);
        }
    }
}

impl AsyncRead for Reclaimable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Reclaimable {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;
    use crate::closing::close;

    #[tokio::test]
    async fn a_stream_that_a_library_drops_comes_back_while_it_is_wanted() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let (lent, origin) = Reclaimable::new(Box::new(ours));
        drop(lent);
        let back = origin.reclaim().expect("it was dropped");
        close(back).await;
        assert_eq!(theirs.read(&mut [0; 1]).await.expect("an end"), 0);

        let (ours, mut theirs) = tokio::io::duplex(64);
        let (lent, origin) = Reclaimable::new(Box::new(ours));
        drop(origin);
        drop(lent);
        assert_eq!(theirs.read(&mut [0; 1]).await.expect("an end"), 0, "and else it is gone");
    }
}
