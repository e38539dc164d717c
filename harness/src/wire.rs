//! The wire: a stream that asks rules about every chunk, and shows it to a recorder.
//!
//! Without rules a read or a write is the stream's own: no copy, no further system call.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

use crate::{
    Direction, Layer, Recorder, Transport,
    pipeline::{Flow, Passage, Pipeline},
    rules::{Rule, RuleSpec},
};

/// How much is read at once when rules want to see it first.
const READ_SIZE: usize = 16 * 1024;

/// A stream with rules and a recorder.
///
/// With rules, a write is over when all that comes of it was sent, swallowed or held back. One that
/// is dropped before has been sent as far as it came.
#[derive(Debug)]
pub struct Wire {
    /// Gone once the connection was reset from here.
    stream: Option<Box<dyn Transport>>,
    recorder: Option<Recorder>,
    rules: Vec<Box<dyn Rule>>,
    inbound: Lane,
    outbound: Lane,
    /// How much of what is written now the rules have got.
    taken: usize,
}

/// One direction, with what the rules let pass of it.
#[derive(Debug)]
struct Lane {
    pipeline: Pipeline,
    /// Passed the rules, and not yet delivered.
    ready: Vec<u8>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Wire {
    /// A wire over `stream`, without rules or recorder: a TCP stream, an end of a
    /// [pair in memory](crate::memory), or any other one [`WithoutReset`](crate::WithoutReset).
    #[must_use]
    pub fn new(stream: impl Transport + 'static) -> Self {
        Self {
            stream: Some(Box::new(stream)),
            recorder: None,
            rules: Vec::new(),
            inbound: Lane::new(Direction::Inbound),
            outbound: Lane::new(Direction::Outbound),
            taken: 0,
        }
    }

    /// Adds rules; those added first are asked first. Their offsets count from the connection's
    /// first byte, whatever passed before they came.
    pub fn install(&mut self, specs: impl IntoIterator<Item = RuleSpec>) {
        for spec in specs {
            self.add(spec.build());
        }
    }

    /// Adds a rule that is no [`RuleSpec`], such as a closure.
    pub fn install_rule(&mut self, rule: impl Rule + 'static) {
        self.add(Box::new(rule));
    }

    fn add(&mut self, rule: Box<dyn Rule>) {
        self.rules.push(rule);
        self.inbound.pipeline.add_stage();
        self.outbound.pipeline.add_stage();
    }

    /// Shows all that passes from now on to `recorder`, as [`Layer::Wire`].
    pub fn record(&mut self, recorder: Recorder) {
        self.recorder = Some(recorder);
    }

    /// Resets the connection: the peer sees RST at once, and may lose what it has not read yet.
    pub fn reset(&mut self) {
        if let Some(stream) = self.stream.take() {
            stream.reset();
        }
    }

    /// Whether the end that reading comes to is this end's own doing, a rule's or a reset, and not
    /// the peer's.
    #[must_use]
    pub const fn was_ended_here(&self) -> bool {
        self.stream.is_none() || self.inbound.pipeline.was_ended_by_rule()
    }

    fn poll_read_unruled(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let stream = self.stream.as_mut().ok_or_else(was_reset)?;
        let before = buffer.filled().len();
        ready!(Pin::new(stream).poll_read(cx, buffer))?;
        let passed = &buffer.filled()[before..];
        // A rule that is installed later counts from the connection's first byte all the same.
        self.inbound.pipeline.bypassed(passed.len());
        if let Some(recorder) = &self.recorder {
            recorder.record(Direction::Inbound, Layer::Wire, passed);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write_unruled(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let stream = self.stream.as_mut().ok_or_else(was_reset)?;
        let count = ready!(Pin::new(stream).poll_write(cx, bytes))?;
        self.outbound.pipeline.bypassed(count);
        if let Some(recorder) = &self.recorder {
            recorder.record(Direction::Outbound, Layer::Wire, &bytes[..count]);
        }
        Poll::Ready(Ok(count))
    }

    /// Sends what the rules let pass, until they have nothing more; whether the direction is over.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        loop {
            let stream = self.stream.as_mut().ok_or_else(was_reset)?;
            if !self.outbound.ready.is_empty() {
                let count = ready!(Pin::new(stream).poll_write(cx, &self.outbound.ready))?;
                if count == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                self.outbound.deliver(count, self.recorder.as_ref());
                continue;
            }
            match ready!(self.outbound.poll_flow(&mut self.rules, cx)) {
                Flow::Pass(bytes) => self.outbound.ready = bytes,
                Flow::Idle => return Poll::Ready(Ok(false)),
                Flow::Close => {
                    ready!(Pin::new(stream).poll_shutdown(cx))?;
                    return Poll::Ready(Ok(true));
                }
                Flow::Reset => {
                    self.reset();
                    return Poll::Ready(Err(was_reset()));
                }
            }
        }
    }
}

impl Lane {
    const fn new(direction: Direction) -> Self {
        Self { pipeline: Pipeline::new(direction), ready: Vec::new(), sleep: None }
    }

    /// What the rules say next; where they have it wait for good, it never is ready.
    fn poll_flow(&mut self, rules: &mut [Box<dyn Rule>], cx: &mut Context<'_>) -> Poll<Flow> {
        loop {
            if let Some(sleep) = &mut self.sleep {
                ready!(sleep.as_mut().poll(cx));
                self.sleep = None;
            }
            match self.pipeline.advance(rules) {
                Passage::Now(flow) => return Poll::Ready(flow),
                Passage::Wait(wait) => self.sleep = Some(Box::pin(sleep(wait))),
                Passage::Stall => return Poll::Pending,
            }
        }
    }

    /// The first bytes of what is ready have been delivered.
    fn deliver(&mut self, count: usize, recorder: Option<&Recorder>) {
        let delivered = self.ready.drain(..count);
        if let Some(recorder) = recorder {
            recorder.record(self.pipeline.direction(), Layer::Wire, delivered.as_slice());
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        if wire.rules.is_empty() {
            return wire.poll_read_unruled(cx, buffer);
        }
        loop {
            let stream = wire.stream.as_mut().ok_or_else(was_reset)?;
            let count = wire.inbound.ready.len().min(buffer.remaining());
            if count > 0 || buffer.remaining() == 0 {
                buffer.put_slice(&wire.inbound.ready[..count]);
                wire.inbound.deliver(count, wire.recorder.as_ref());
                return Poll::Ready(Ok(()));
            }
            match ready!(wire.inbound.poll_flow(&mut wire.rules, cx)) {
                Flow::Pass(bytes) => wire.inbound.ready = bytes,
                // If a rule closed it, the peer may go on sending; nobody listens any more.
                Flow::Close => return Poll::Ready(Ok(())),
                Flow::Reset => {
                    wire.reset();
                    return Poll::Ready(Err(was_reset()));
                }
                Flow::Idle => {
                    let mut chunk = [0; READ_SIZE];
                    let mut chunk = ReadBuf::new(&mut chunk);
                    ready!(Pin::new(stream).poll_read(cx, &mut chunk))?;
                    if chunk.filled().is_empty() {
                        wire.inbound.pipeline.end();
                    } else {
                        wire.inbound.pipeline.push(chunk.filled());
                    }
                }
            }
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let wire = self.get_mut();
        if wire.rules.is_empty() || bytes.is_empty() {
            return wire.poll_write_unruled(cx, bytes);
        }
        loop {
            let is_over = ready!(wire.poll_drain(cx))?;
            let taken = std::mem::take(&mut wire.taken);
            if is_over && wire.outbound.pipeline.was_ended_by_rule() {
                // What comes after the rule's end vanishes.
                return Poll::Ready(Ok(bytes.len()));
            }
            if is_over {
                return wire.poll_write_unruled(cx, bytes);
            }
            if taken > 0 {
                return Poll::Ready(Ok(taken.min(bytes.len())));
            }
            wire.outbound.pipeline.push(bytes);
            wire.taken = bytes.len();
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = self.get_mut().stream.as_mut().ok_or_else(was_reset)?;
        Pin::new(stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        if wire.rules.is_empty() {
            let stream = wire.stream.as_mut().ok_or_else(was_reset)?;
            return Pin::new(stream).poll_shutdown(cx);
        }
        wire.outbound.pipeline.end();
        ready!(wire.poll_drain(cx))?;
        Poll::Ready(Ok(()))
    }
}

fn was_reset() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "the connection was reset from this end")
}
