//! The in-memory pair: two ends of one connection, with TCP's ways of ending it.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    task::coop::poll_proceed,
};

use crate::Transport;

/// How many bytes wait in each direction before a writer has to: 64 KiB, as large as a TCP window is
/// without scaling (RFC 9293).
pub const CAPACITY: usize = 64 * 1024;

/// One end of a connection in memory; the other end is the peer.
///
/// It ends as TCP does on Linux:
///
/// - Shut down, it sends FIN: the peer reads what came before and then the end of file, and may go
///   on writing.
/// - Dropped, it does the same, and reads no more: the first write of the peer vanishes, the next
///   fails with `BrokenPipe`. Where it left bytes unread, it is reset.
/// - [Reset](Transport::reset), the peer reads what was sent before, and then fails with
///   `ConnectionReset`, at once where it writes.
#[derive(Debug)]
pub struct MemoryStream {
    connection: Arc<Mutex<Connection>>,
    side: Side,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// Both directions of a connection, each by the end that writes to it.
#[derive(Debug)]
struct Connection {
    from_left: Pipe,
    from_right: Pipe,
}

/// One direction.
#[derive(Debug)]
struct Pipe {
    bytes: VecDeque<u8>,
    capacity: usize,
    /// What the reader finds behind the bytes, once nothing more comes.
    end: Option<End>,
    /// The reading end was dropped.
    reader_gone: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Fin,
    Reset,
}

/// The two ends of a connection, with [`CAPACITY`] bytes of room each way.
#[must_use]
pub fn pair() -> (MemoryStream, MemoryStream) {
    pair_with_capacity(CAPACITY)
}

/// The two ends of a connection, with so many bytes of room each way (at least one).
#[must_use]
pub fn pair_with_capacity(bytes: usize) -> (MemoryStream, MemoryStream) {
    let connection = Connection { from_left: Pipe::new(bytes), from_right: Pipe::new(bytes) };
    let connection = Arc::new(Mutex::new(connection));
    let left = MemoryStream { connection: Arc::clone(&connection), side: Side::Left };
    (left, MemoryStream { connection, side: Side::Right })
}

impl Pipe {
    fn new(capacity: usize) -> Self {
        Self {
            bytes: VecDeque::new(),
            capacity: capacity.max(1),
            end: None,
            reader_gone: false,
            reader: None,
            writer: None,
        }
    }

    /// Ends the direction, unless it has ended already.
    fn end(&mut self, end: End) {
        self.end.get_or_insert(end);
        self.wake_both();
    }

    fn wake_both(&mut self) {
        for waker in [self.reader.take(), self.writer.take()].into_iter().flatten() {
            waker.wake();
        }
    }
}

impl Connection {
    /// What this side reads from, and what it writes to.
    const fn of(&mut self, side: Side) -> (&mut Pipe, &mut Pipe) {
        match side {
            Side::Left => (&mut self.from_right, &mut self.from_left),
            Side::Right => (&mut self.from_left, &mut self.from_right),
        }
    }

    fn reset_by(&mut self, side: Side) {
        let (incoming, outgoing) = self.of(side);
        incoming.bytes = VecDeque::new();
        incoming.end = Some(End::Reset);
        incoming.wake_both();
        outgoing.end(End::Reset);
    }
}

impl MemoryStream {
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for MemoryStream {
    fn reset(self: Box<Self>) {
        self.lock().reset_by(self.side);
    }
}

impl Drop for MemoryStream {
    fn drop(&mut self) {
        let mut connection = self.lock();
        let (incoming, outgoing) = connection.of(self.side);
        incoming.reader_gone = true;
        if incoming.bytes.is_empty() {
            outgoing.end(End::Fin);
            incoming.wake_both();
        } else {
            connection.reset_by(self.side);
        }
    }
}

impl AsyncRead for MemoryStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // A task that always finds something to read has to let others run as well.
        let progress = ready!(poll_proceed(cx));
        let mut connection = self.lock();
        let (incoming, _) = connection.of(self.side);
        if buffer.remaining() > 0 && incoming.bytes.is_empty() {
            match incoming.end {
                None => {
                    incoming.reader = Some(cx.waker().clone());
                    return Poll::Pending;
                }
                Some(End::Fin) => {}
                Some(End::Reset) => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            }
        }
        let count = buffer.remaining().min(incoming.bytes.len());
        let (front, back) = incoming.bytes.as_slices();
        let from_front = count.min(front.len());
        buffer.put_slice(&front[..from_front]);
        buffer.put_slice(&back[..count - from_front]);
        incoming.bytes.drain(..count);
        if let Some(writer) = incoming.writer.take() {
            writer.wake();
        }
        progress.made_progress();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for MemoryStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let progress = ready!(poll_proceed(cx));
        let mut connection = self.lock();
        let (incoming, outgoing) = connection.of(self.side);
        if outgoing.end.is_some() {
            let was_reset = incoming.end == Some(End::Reset);
            let kind =
                if was_reset { io::ErrorKind::ConnectionReset } else { io::ErrorKind::BrokenPipe };
            return Poll::Ready(Err(kind.into()));
        }
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let mut count = bytes.len();
        if outgoing.reader_gone {
            // The peer answers with RST, which only the next write finds out.
            outgoing.end = Some(End::Reset);
        } else {
            count = count.min(outgoing.capacity - outgoing.bytes.len());
            if count == 0 {
                outgoing.writer = Some(cx.waker().clone());
                return Poll::Pending;
            }
            outgoing.bytes.extend(&bytes[..count]);
            if let Some(reader) = outgoing.reader.take() {
                reader.wake();
            }
        }
        progress.made_progress();
        Poll::Ready(Ok(count))
    }

    /// In one piece, as a socket takes it: rustls writes an alert and what stands before it by one
    /// call, and does not come back for the rest.
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        self.poll_write(cx, &bytes)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut connection = self.lock();
        let (_, outgoing) = connection.of(self.side);
        outgoing.end(End::Fin);
        Poll::Ready(Ok(()))
    }
}
