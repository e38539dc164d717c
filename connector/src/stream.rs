//! The stream that tokio-postgres gets: negotiated already, watched until the login ends, with its channel binding.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

use crate::login::{Channel, Watch};
use crate::socket::Io;

/// A connection on which the next message is the StartupMessage (or a CancelRequest).
pub(crate) struct Stream {
    io: Box<dyn Io>,
    binding: Option<Vec<u8>>,
    encrypted: bool,
    watch: Option<Arc<Mutex<Watch>>>,
    held: Held,
}

/// What becomes of bytes behind the login's ReadyForQuery.
#[derive(Debug, Default)]
enum Held {
    /// They are read as they come.
    #[default]
    Never,
    /// They wait until the first query is written: see [`Stream::hold`].
    Until { bytes: Vec<u8>, reader: Option<Waker> },
    /// The first query was written; what had come before it is read first.
    Released { bytes: Vec<u8>, at: usize },
}

impl Stream {
    pub(crate) fn plain(io: impl Io + 'static) -> Stream {
        Stream { io: Box::new(io), binding: None, encrypted: false, watch: None, held: Held::Never }
    }

    /// `binding` is the connection's tls-server-end-point, if it has one.
    pub(crate) fn encrypted(io: Box<dyn Io>, binding: Option<Vec<u8>>) -> Stream {
        Stream { io, binding, encrypted: true, watch: None, held: Held::Never }
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// Keeps back what comes behind ReadyForQuery until the first query is written.
    ///
    /// For a server that sent a whole login behind `N`: libpq takes it, and sends its query before it reads on.
    /// tokio-postgres would stop at the next message without having sent anything, or not, as the timing goes.
    pub(crate) fn hold(mut self) -> Stream {
        self.held = Held::Until { bytes: Vec::new(), reader: None };
        self
    }

    /// Begins to watch the login. The handle outlives the stream, which tokio-postgres drops when a login fails.
    pub(crate) fn watch(&mut self, binding: crate::config::Binding) -> Watching {
        let channel =
            Channel { encrypted: self.encrypted, binding_known: self.binding.is_some(), binding };
        let watch = Arc::new(Mutex::new(Watch::new(channel)));
        self.watch = Some(Arc::clone(&watch));
        Watching(watch)
    }

    /// Lets go of the watch once the login is over, so that reading costs no more than without it.
    fn observe(&mut self, buf: &mut ReadBuf<'_>, before: usize) -> io::Result<()> {
        let Some(watch) = &self.watch else { return Ok(()) };
        let (used, ready) = {
            let mut watch = lock(watch);
            let fed = watch.feed(&buf.filled()[before..]);
            (fed, *watch.stage() == crate::login::Stage::Ready)
        };
        match used {
            Err(violation) => {
                buf.set_filled(before);
                return Err(io::Error::other(violation));
            }
            Ok(used) if ready => {
                self.watch = None;
                if let Held::Until { bytes, .. } = &mut self.held {
                    bytes.extend_from_slice(&buf.filled()[before + used..]);
                    buf.set_filled(before + used);
                }
            }
            Ok(_) => {}
        }
        Ok(())
    }

    fn release(&mut self) {
        if self.watch.is_none()
            && let Held::Until { bytes, reader } = &mut self.held
        {
            let (bytes, reader) = (std::mem::take(bytes), reader.take());
            self.held = Held::Released { bytes, at: 0 };
            if let Some(reader) = reader {
                reader.wake();
            }
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        match &mut this.held {
            Held::Until { reader, .. } if this.watch.is_none() => {
                *reader = Some(cx.waker().clone());
                return Poll::Pending;
            }
            Held::Released { bytes, at } if *at < bytes.len() => {
                let taken = buf.remaining().min(bytes.len() - *at);
                buf.put_slice(&bytes[*at..*at + taken]);
                *at += taken;
                return Poll::Ready(Ok(()));
            }
            _ => {}
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.io).poll_read(cx, buf))?;
        Poll::Ready(this.observe(buf, before))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.io).poll_write(cx, buf))?;
        self.release();
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

impl TlsStream for Stream {
    fn channel_binding(&self) -> ChannelBinding {
        match &self.binding {
            Some(hash) => ChannelBinding::tls_server_end_point(hash.clone()),
            None => ChannelBinding::none(),
        }
    }
}

/// Reads what the watch saw.
pub(crate) struct Watching(Arc<Mutex<Watch>>);

impl Watching {
    pub(crate) fn look(&self) -> MutexGuard<'_, Watch> {
        lock(&self.0)
    }
}

fn lock(watch: &Mutex<Watch>) -> MutexGuard<'_, Watch> {
    watch.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells tokio-postgres that its stream is what it will be: encrypted or not, there is nothing left to negotiate.
pub(crate) struct AsItIs;

impl TlsConnect<Stream> for AsItIs {
    type Stream = Stream;
    type Error = Infallible;
    type Future = Ready<Result<Stream, Infallible>>;

    fn connect(self, stream: Stream) -> Self::Future {
        ready(Ok(stream))
    }
}
