//! The stream that tokio-postgres gets: negotiated already, watched until the login ends, with its channel binding.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

use crate::dial::Transport;
use crate::login::{Channel, Watch};

/// A connection on which the next message is the StartupMessage (or a CancelRequest).
pub(crate) struct Stream {
    transport: Box<dyn Transport>,
    binding: Option<Vec<u8>>,
    encrypted: bool,
    watch: Option<Arc<Mutex<Watch>>>,
    /// What was read from the transport already, and comes before anything new.
    read_ahead: Vec<u8>,
    hold: Option<Hold>,
}

/// Bytes behind the login's ReadyForQuery are kept back until the first query is written.
#[derive(Debug, Default)]
struct Hold {
    /// Who waits for them.
    reader: Option<Waker>,
}

impl Stream {
    /// `read_ahead` is what the server sent before anybody asked.
    ///
    /// Where there is any, it is taken as libpq takes it: it sends its query before it reads on from a login that came
    /// behind `N`. tokio-postgres would stop at the next message without having sent anything, or not, as the timing goes.
    pub(crate) fn plain(transport: Box<dyn Transport>, read_ahead: Vec<u8>) -> Stream {
        let hold = (!read_ahead.is_empty()).then(Hold::default);
        Stream { transport, binding: None, encrypted: false, watch: None, read_ahead, hold }
    }

    /// `binding` is the connection's tls-server-end-point, if it has one.
    pub(crate) fn encrypted(transport: Box<dyn Transport>, binding: Option<Vec<u8>>) -> Stream {
        Stream {
            transport,
            binding,
            encrypted: true,
            watch: None,
            read_ahead: Vec::new(),
            hold: None,
        }
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.encrypted
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
                if self.hold.is_some() {
                    self.read_ahead.splice(..0, buf.filled()[before + used..].iter().copied());
                    buf.set_filled(before + used);
                }
            }
            Ok(_) => {}
        }
        Ok(())
    }

    fn release(&mut self) {
        if self.watch.is_none()
            && let Some(Hold { reader: Some(reader) }) = self.hold.take()
        {
            reader.wake();
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
        if let Some(hold) = &mut this.hold
            && this.watch.is_none()
        {
            hold.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let before = buf.filled().len();
        if this.read_ahead.is_empty() {
            ready!(Pin::new(&mut this.transport).poll_read(cx, buf))?;
        } else {
            let taken = buf.remaining().min(this.read_ahead.len());
            buf.put_slice(&this.read_ahead[..taken]);
            this.read_ahead.drain(..taken);
        }
        Poll::Ready(this.observe(buf, before))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.transport).poll_write(cx, buf))?;
        self.release();
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_shutdown(cx)
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
