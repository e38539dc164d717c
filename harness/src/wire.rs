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
    time::{Instant, Sleep, sleep_until},
};

use crate::{
    Direction, Layer, Recorder, Transport,
    rules::{Chunk, Rule, RuleSpec, Verdict},
};

/// How much is read at once when rules want to see it first.
const READ_SIZE: usize = 16 * 1024;

/// A stream with rules and a recorder.
#[derive(Debug)]
pub struct Wire {
    /// Gone once the connection was reset from here.
    stream: Option<Box<dyn Transport>>,
    recorder: Option<Recorder>,
    rules: Vec<Box<dyn Rule>>,
    inbound: Lane,
    outbound: Lane,
    /// Read, and not yet judged or taken.
    unread: Vec<u8>,
}

/// How far the judgement of one direction has come.
#[derive(Debug)]
struct Lane {
    direction: Direction,
    /// Bytes that passed.
    offset: u64,
    /// The next rule to ask about the present chunk.
    next_rule: usize,
    /// How much of the chunk the rules before let pass.
    limit: Option<usize>,
    /// How much may pass without asking again.
    granted: usize,
    sleep: Option<Pin<Box<Sleep>>>,
    /// A rule closed this direction.
    closed: bool,
}

/// What the rules agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Judgement {
    Pass(usize),
    Swallow,
    Close,
    Reset,
}

impl Wire {
    /// A wire over `stream`, without rules or recorder.
    #[must_use]
    pub fn new(stream: impl Transport + 'static) -> Self {
        Self {
            stream: Some(Box::new(stream)),
            recorder: None,
            rules: Vec::new(),
            inbound: Lane::new(Direction::Inbound),
            outbound: Lane::new(Direction::Outbound),
            unread: Vec::new(),
        }
    }

    /// Adds rules; those added first are asked first. Their offsets count from the connection's
    /// first byte, whatever passed before they came.
    pub fn install(&mut self, specs: impl IntoIterator<Item = RuleSpec>) {
        self.rules.extend(specs.into_iter().map(|spec| spec.build()));
    }

    /// Adds a rule that is no [`RuleSpec`], such as a closure.
    pub fn install_rule(&mut self, rule: impl Rule + 'static) {
        self.rules.push(Box::new(rule));
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
        self.stream.is_none() || self.inbound.closed
    }

    fn seen(&mut self, direction: Direction, bytes: &[u8]) {
        if let Some(recorder) = &self.recorder {
            recorder.record(direction, Layer::Wire, bytes);
        }
    }

    fn poll_read_unruled(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let stream = self.stream.as_mut().ok_or_else(was_reset)?;
        let before = buffer.filled().len();
        ready!(Pin::new(stream).poll_read(cx, buffer))?;
        // A rule that is installed later counts from the connection's first byte all the same.
        self.inbound.passed(buffer.filled().len() - before);
        if self.recorder.is_some() {
            self.seen(Direction::Inbound, &buffer.filled()[before..]);
        }
        Poll::Ready(Ok(()))
    }
}

impl Lane {
    const fn new(direction: Direction) -> Self {
        Self {
            direction,
            offset: 0,
            next_rule: 0,
            limit: None,
            granted: 0,
            sleep: None,
            closed: false,
        }
    }

    /// Asks the rules about `bytes`, which must not be empty, and be the same until it is ready.
    fn poll_judge(
        &mut self,
        rules: &mut [Box<dyn Rule>],
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Judgement> {
        if self.granted > 0 {
            return Poll::Ready(Judgement::Pass(self.granted.min(bytes.len())));
        }
        loop {
            if let Some(sleep) = &mut self.sleep {
                ready!(sleep.as_mut().poll(cx));
                self.sleep = None;
            }
            let limit = self.limit.unwrap_or(bytes.len()).min(bytes.len());
            let Some(rule) = rules.get_mut(self.next_rule) else {
                self.granted = limit;
                return self.judged(Judgement::Pass(limit));
            };
            self.next_rule += 1;
            let chunk =
                Chunk { direction: self.direction, offset: self.offset, bytes: &bytes[..limit] };
            match rule.judge(&chunk) {
                Verdict::Pass => {}
                Verdict::Split(first) => self.limit = Some(first.clamp(1, limit)),
                Verdict::Delay(wait) => {
                    self.sleep = Instant::now().checked_add(wait).map(sleep_until).map(Box::pin);
                }
                Verdict::Swallow => return self.judged(Judgement::Swallow),
                Verdict::Close => {
                    self.closed = true;
                    return self.judged(Judgement::Close);
                }
                Verdict::Reset => return self.judged(Judgement::Reset),
            }
        }
    }

    fn judged(&mut self, judgement: Judgement) -> Poll<Judgement> {
        self.next_rule = 0;
        self.limit = None;
        Poll::Ready(judgement)
    }

    fn passed(&mut self, count: usize) {
        self.offset += count as u64;
        self.granted = self.granted.saturating_sub(count);
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        if wire.rules.is_empty() && wire.unread.is_empty() {
            return wire.poll_read_unruled(cx, buffer);
        }
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        loop {
            let stream = wire.stream.as_mut().ok_or_else(was_reset)?;
            if wire.inbound.closed {
                // The peer may go on sending; nobody listens any more.
                return Poll::Ready(Ok(()));
            }
            if wire.unread.is_empty() {
                let mut chunk = [0; READ_SIZE];
                let mut chunk = ReadBuf::new(&mut chunk);
                ready!(Pin::new(stream).poll_read(cx, &mut chunk))?;
                if chunk.filled().is_empty() {
                    return Poll::Ready(Ok(()));
                }
                wire.unread.extend_from_slice(chunk.filled());
            }
            match ready!(wire.inbound.poll_judge(&mut wire.rules, cx, &wire.unread)) {
                Judgement::Pass(count) => {
                    let count = count.min(buffer.remaining());
                    let passing: Vec<u8> = wire.unread.drain(..count).collect();
                    buffer.put_slice(&passing);
                    wire.inbound.passed(count);
                    wire.seen(Direction::Inbound, &passing);
                    return Poll::Ready(Ok(()));
                }
                Judgement::Swallow => {
                    wire.inbound.passed(wire.unread.len());
                    wire.unread.clear();
                }
                Judgement::Close => {}
                Judgement::Reset => {
                    wire.reset();
                    return Poll::Ready(Err(was_reset()));
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
        let mut allowed = bytes.len();
        if !wire.rules.is_empty() && !bytes.is_empty() {
            if wire.outbound.closed {
                return Poll::Ready(Ok(bytes.len()));
            }
            match ready!(wire.outbound.poll_judge(&mut wire.rules, cx, bytes)) {
                Judgement::Pass(count) => allowed = count,
                Judgement::Swallow => {
                    wire.outbound.passed(bytes.len());
                    return Poll::Ready(Ok(bytes.len()));
                }
                Judgement::Close => {
                    let stream = wire.stream.as_mut().ok_or_else(was_reset)?;
                    ready!(Pin::new(stream).poll_shutdown(cx))?;
                    return Poll::Ready(Ok(bytes.len()));
                }
                Judgement::Reset => {
                    wire.reset();
                    return Poll::Ready(Err(was_reset()));
                }
            }
        }
        let stream = wire.stream.as_mut().ok_or_else(was_reset)?;
        let count = ready!(Pin::new(stream).poll_write(cx, &bytes[..allowed]))?;
        wire.outbound.passed(count);
        wire.seen(Direction::Outbound, &bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Some(stream) => Pin::new(stream).poll_flush(cx),
            None => Poll::Ready(Err(was_reset())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Some(stream) => Pin::new(stream).poll_shutdown(cx),
            None => Poll::Ready(Err(was_reset())),
        }
    }
}

fn was_reset() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "the connection was reset from this end")
}
