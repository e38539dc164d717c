//! The channel: the wire and, once there is one, the TLS session over it, seen as one stream.

use std::{num::NonZeroU16, time::Duration};

use bytes::{Buf, BytesMut};
use pgtls_harness::{Direction, Layer, Wire};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::{log::Log, unexpected::UnexpectedPackets};
use crate::{
    budget::{Account, Held},
    tls::{Engine, Failure, Records, Seen},
    transcript::{EntryKind, Sender},
};

/// Room for one read: a ClientHello with its key shares, or any login message.
const READ_SIZE: usize = 4096;

/// How large a buffer may be that no account pays for: more than an honest login fills.
const FREE: usize = 2 * READ_SIZE;
/// The most that is encrypted before it is sent, in bytes: a record.
const RECORD_SIZE: usize = 16 * 1024;
/// So many records of a connection are as small as its script wants them. A megabyte in records of one
/// byte costs both sides ten seconds of work, and shows no more of a client.
const MOST_SMALL_RECORDS: u32 = 10_000;

/// The client is gone, or left, and all that it sent before has been taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gone;

/// A connection's two directions, in whatever way they travel.
pub(crate) struct Channel {
    wire: Wire,
    log: Log,
    engine: Option<Box<dyn Engine>>,
    /// Follows what the client sends: in TLS records or not.
    records: Records,
    /// Finds first packets in what travels in clear where none is awaited.
    unexpected: UnexpectedPackets,
    /// Received and not yet taken: plaintext if there is an engine, else as it came.
    inbox: BytesMut,
    /// Received and not yet given to the engine.
    ciphertext: BytesMut,
    /// To be sent, kept for its capacity.
    outbox: Vec<u8>,
    /// How much a record carries, in bytes.
    record_size: usize,
    /// How many more records carry no more than that.
    small_records: u32,
    inbound: Inbound,
    /// Writing failed or was ended: the rest is not sent.
    mute: bool,
    /// How long the client may neither send nor read.
    idle: Duration,
    /// How long the client may be silent where it is waited for.
    answer_timeout: Duration,
    /// How long what is received is to be, in bytes; 0 if nobody knows.
    expected: usize,
    /// What the engine was given in a handshake that is not complete, and may keep, in bytes.
    in_handshake: usize,
    /// What the inbox holds of the session's account.
    held: Held,
    /// Why the server goes no further, if it was the server.
    ended_by: Option<Bound>,
}

/// A bound that the client has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    /// There is no memory for what it sends.
    Memory,
    /// It neither sent nor read for too long.
    Idle,
    /// It was silent for longer than the script waits for it.
    Silent,
}

/// What is still to be had from the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inbound {
    /// Bytes that are read.
    Open,
    /// Bytes, but none that the TLS session could read: it is over.
    SessionOver,
    /// Nothing: the TCP connection is over, at least from the client's side.
    Ended,
}

impl Channel {
    /// A channel that leaves a client which is idle for so long, and waits for one that is silent up
    /// to the answer timeout; what it buffers of what the client sends is taken from the account.
    pub(crate) fn new(
        wire: Wire,
        log: Log,
        account: &Account,
        idle: Duration,
        answer_timeout: Duration,
    ) -> Self {
        Self {
            wire,
            log,
            engine: None,
            record_size: RECORD_SIZE,
            small_records: 0,
            records: Records::default(),
            unexpected: UnexpectedPackets::default(),
            inbox: BytesMut::new(),
            ciphertext: BytesMut::new(),
            outbox: Vec::new(),
            inbound: Inbound::Open,
            mute: false,
            idle,
            answer_timeout,
            expected: 0,
            in_handshake: 0,
            held: account.hold_nothing(),
            ended_by: None,
        }
    }

    /// The bound that ended the conversation, if one did.
    pub(crate) const fn ended_by(&self) -> Option<Bound> {
        self.ended_by
    }

    pub(crate) const fn log(&self) -> &Log {
        &self.log
    }

    pub(crate) fn engine(&self) -> Option<&dyn Engine> {
        self.engine.as_deref()
    }

    pub(crate) const fn is_encrypted(&self) -> bool {
        self.engine.is_some()
    }

    /// What was received and not yet taken.
    pub(crate) fn received(&self) -> &[u8] {
        &self.inbox
    }

    /// Takes the first `count` bytes of what was received.
    pub(crate) fn take(&mut self, count: usize) {
        self.inbox.advance(count.min(self.inbox.len()));
        if self.inbox.is_empty() && self.inbox.capacity() > FREE {
            self.inbox = BytesMut::new();
            self.pay().unwrap_or_default();
        }
    }

    /// Has the account pay for what is buffered, and for one more read.
    fn pay(&mut self) -> Result<(), Gone> {
        let buffered = self.inbox.len() + self.ciphertext.len() + self.in_handshake;
        let size = match self.expected {
            _ if buffered <= FREE => 0,
            // The buffer may double, and a ClientHello is copied out of its records.
            0 => 3 * buffered,
            _ => 2 * buffered,
        };
        self.held.resize(size).map_err(|_| {
            self.ended_by = Some(Bound::Memory);
            Gone
        })
    }

    /// Takes all that was received.
    pub(crate) fn take_all(&mut self) -> BytesMut {
        self.inbox.split()
    }

    /// The client is about to begin TLS, or to go on without: either can be told apart again, also
    /// where it came in one segment with what was answered just now.
    pub(crate) fn expect_records(&mut self) {
        self.log.take_back_clear(self.inbox.len());
        self.records = Records::default();
        let (log, unexpected) = (&self.log, &mut self.unexpected);
        self.records.follow(&self.inbox, |seen| {
            if let Seen::Clear(bytes) = seen {
                enter_clear(bytes, log, unexpected);
            }
        });
    }

    /// TLS begins: a first packet in clear is none that the server awaits.
    pub(crate) fn begin_tls(&mut self) {
        self.unexpected.watch();
        self.expect_records();
    }

    /// The server reads no further: a first packet that comes all the same is only entered.
    fn stop_listening(&mut self) {
        if !self.unexpected.is_watched() {
            self.unexpected.watch();
            self.unexpected
                .follow(&self.inbox, |packet, size| self.log.first_packet(false, size, packet));
        }
    }

    /// The same; what is received is to be so long. It may be a lie: that much is made room for
    /// which comes.
    pub(crate) async fn fill_up_to(&mut self, expected: usize) -> Result<(), Gone> {
        self.expected = expected;
        let filled = self.fill().await;
        self.expected = 0;
        filled
    }

    /// Waits for more, up to the answer timeout; what came may be none yet that
    /// [`received`](Self::received) shows.
    pub(crate) async fn fill(&mut self) -> Result<(), Gone> {
        self.fill_within(self.answer_timeout).await
    }

    /// The same where waiting has a bound of its own.
    pub(crate) async fn fill_within(&mut self, longest: Duration) -> Result<(), Gone> {
        self.read(longest).await?;
        if let Err(Failure { reason, alert }) = self.decrypt().await {
            // The session broke after its handshake: nothing more can be understood.
            match alert {
                Some(alert) => self.log.enter(Sender::Client, true, 2, EntryKind::Alert(alert)),
                None => self.log.enter(Sender::Server, true, 0, EntryKind::SessionBroken(reason)),
            }
            self.inbound = Inbound::SessionOver;
        }
        Ok(())
    }

    async fn read(&mut self, longest: Duration) -> Result<(), Gone> {
        if self.inbound != Inbound::Open {
            return Err(Gone);
        }
        self.pay()?;
        let into = if self.engine.is_some() {
            &mut self.ciphertext
        } else {
            make_room(&mut self.inbox, READ_SIZE, self.expected);
            &mut self.inbox
        };
        into.reserve(READ_SIZE);
        let before = into.len();
        match timeout(self.idle.min(longest), self.wire.read_buf(into)).await {
            Err(_) if longest < self.idle => Err(self.time_out()),
            Err(_) => Err(self.leave_idle()),
            Ok(Ok(0)) => self.leave(EntryKind::Closed),
            // To the server a reset is an end like any other.
            Ok(Err(_)) => self.leave(EntryKind::Reset),
            Ok(Ok(_)) => {
                let (log, unexpected) = (&self.log, &mut self.unexpected);
                self.records.follow(&into[before..], |seen| match seen {
                    Seen::Clear(bytes) => enter_clear(bytes, log, unexpected),
                    Seen::Alert(alert) => {
                        log.enter(Sender::Client, false, 2, EntryKind::Alert(alert));
                    }
                });
                Ok(())
            }
        }
    }

    fn leave(&mut self, what: EntryKind) -> Result<(), Gone> {
        self.inbound = Inbound::Ended;
        // A rule that ends the connection is the server's, and no fault of the client.
        let sender = if self.wire.was_ended_here() { Sender::Server } else { Sender::Client };
        self.log.enter(sender, false, 0, what);
        Err(Gone)
    }

    /// The client has been idle for too long: from here on it is neither heard nor spoken to.
    fn leave_idle(&mut self) -> Gone {
        self.ended_by = Some(Bound::Idle);
        self.inbound = Inbound::Ended;
        self.log.enter(Sender::Server, false, 0, EntryKind::TimedOut);
        Gone
    }

    /// The client has been silent for too long: it is waited for no more.
    fn time_out(&mut self) -> Gone {
        self.ended_by = Some(Bound::Silent);
        self.log.enter(Sender::Server, false, 0, EntryKind::TimedOut);
        Gone
    }

    /// From here on nothing is waited for, and silence has no end.
    pub(crate) fn wait_without_end(&mut self) {
        self.answer_timeout = Duration::MAX;
    }

    /// Sends `bytes` in one segment (as long as they fit into one TLS record), through TLS if there
    /// is a session.
    ///
    /// A client that is gone is found out by reading, where all that it sent before still comes first.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        if self.engine.is_none() {
            return self.send_raw(bytes).await;
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            let piece = self.next_record(&mut rest);
            let Some(engine) = &mut self.engine else { return };
            self.outbox.clear();
            engine.send(piece, &mut self.outbox);
            if let Some(recorder) = self.log.recorder() {
                recorder.record(Direction::Outbound, Layer::Session, piece);
            }
            self.flush().await;
        }
    }

    /// From here on a TLS record carries no more than so many bytes, up to the most small records.
    pub(crate) fn limit_records(&mut self, size: NonZeroU16) {
        self.record_size = usize::from(size.get()).min(RECORD_SIZE);
        self.small_records = MOST_SMALL_RECORDS;
    }

    /// Takes what the next record carries.
    fn next_record<'a>(&mut self, rest: &mut &'a [u8]) -> &'a [u8] {
        let size = if self.small_records > 0 { self.record_size } else { RECORD_SIZE };
        self.small_records = self.small_records.saturating_sub(1);
        let (piece, behind) = rest.split_at(size.min(rest.len()));
        *rest = behind;
        piece
    }

    /// Has new keys for what is sent through TLS.
    pub(crate) async fn update_keys(&mut self) {
        let Some(engine) = &mut self.engine else { return };
        self.outbox.clear();
        engine.update_keys(&mut self.outbox);
        self.flush().await;
    }

    /// Sends `bytes` as they are, TLS or not. A client that does not read is idle.
    pub(crate) async fn send_raw(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !self.mute && !rest.is_empty() {
            match timeout(self.idle, self.wire.write(rest)).await {
                Ok(Ok(count @ 1..)) => rest = rest.get(count..).unwrap_or_default(),
                Ok(_) => self.mute = true,
                Err(_) => {
                    self.mute = true;
                    self.leave_idle();
                }
            }
        }
    }

    async fn flush(&mut self) {
        let outbox = std::mem::take(&mut self.outbox);
        self.send_raw(&outbox).await;
        if outbox.capacity() <= FREE {
            self.outbox = outbox;
        }
    }

    /// Drives a handshake to its end, with what was received already as its beginning.
    pub(crate) async fn handshake(&mut self, engine: Box<dyn Engine>) -> Result<(), Unfinished> {
        self.ciphertext = self.take_all();
        self.engine = Some(engine);
        loop {
            self.in_handshake += self.ciphertext.len();
            self.decrypt().await.map_err(Unfinished::Failed)?;
            if self.engine().is_some_and(Engine::is_complete) {
                self.in_handshake = 0;
                return Ok(());
            }
            self.read(self.answer_timeout).await.map_err(|Gone| Unfinished::Gone)?;
        }
    }

    /// Gives the engine what was received, and sends what it answers.
    async fn decrypt(&mut self) -> Result<(), Failure> {
        let Some(engine) = &mut self.engine else { return Ok(()) };
        if self.ciphertext.is_empty() {
            return Ok(());
        }
        make_room(&mut self.inbox, self.ciphertext.len(), self.expected);
        let before = self.inbox.len();
        self.outbox.clear();
        let result = engine.receive(&self.ciphertext, &mut self.inbox, &mut self.outbox);
        self.ciphertext.clear();
        if let Some(recorder) = self.log.recorder() {
            recorder.record(Direction::Inbound, Layer::Session, &self.inbox[before..]);
        }
        if !self.outbox.is_empty() {
            let log = &self.log;
            Records::default().follow(&self.outbox, |seen| {
                if let Seen::Alert(alert) = seen {
                    log.enter(Sender::Server, false, 2, EntryKind::Alert(alert));
                }
            });
            self.flush().await;
        }
        let closed = self.engine().is_some_and(Engine::peer_closed);
        if closed && self.inbound == Inbound::Open {
            let alert = EntryKind::Alert("warning close_notify".to_owned());
            self.log.enter(Sender::Client, true, 2, alert);
            self.inbound = Inbound::SessionOver;
        }
        result
    }

    /// Ends the connection so that the client gets all that was sent: FIN, then whatever it still
    /// sends is read, until it leaves too. Unread bytes would turn the FIN into RST.
    pub(crate) async fn close(&mut self) {
        self.stop_listening();
        self.forget_received();
        let engine = self.engine.take();
        // From here on what comes is no session data, but still part of what the client did.
        if self.inbound == Inbound::SessionOver {
            self.inbound = Inbound::Open;
        }
        // Whoever says goodbye closes right behind: one turn of the scheduler is often enough, and
        // saves both ends a goodbye of TLS.
        tokio::task::yield_now().await;
        let already_left = async { while self.drain().await.is_ok() {} };
        tokio::select! {
            biased;
            () = already_left => return,
            () = std::future::ready(()) => {}
        }
        if let Some(mut engine) = engine {
            let mut goodbye = Vec::new();
            engine.close(&mut goodbye);
            self.send_raw(&goodbye).await;
        }
        self.mute = true;
        if self.wire.shutdown().await.is_ok() {
            self.log.enter(Sender::Server, false, 0, EntryKind::Closed);
        }
        while self.drain().await.is_ok() {}
    }

    /// Waits for the client to leave, and says nothing.
    pub(crate) async fn wait_for_end(&mut self) {
        self.stop_listening();
        self.forget_received();
        self.mute = true;
        while self.drain().await.is_ok() {}
    }

    /// Reads on, for what the log makes of it.
    async fn drain(&mut self) -> Result<(), Gone> {
        self.read(Duration::MAX).await?;
        self.ciphertext.clear();
        self.inbox.clear();
        Ok(())
    }

    fn forget_received(&mut self) {
        self.inbox = BytesMut::new();
        self.ciphertext = BytesMut::new();
        self.in_handshake = 0;
        self.pay().unwrap_or_default();
    }

    /// Sends RST.
    pub(crate) fn reset(&mut self) {
        self.stop_listening();
        self.wire.reset();
        self.inbound = Inbound::Ended;
        self.log.enter(Sender::Server, false, 0, EntryKind::Reset);
    }
}

/// Makes room for `more` bytes in a long buffer: twice as much as it holds, but no more than what
/// is expected, if anything is. By itself it would double to the end.
fn make_room(buffer: &mut BytesMut, more: usize, expected: usize) {
    let needed = buffer.len() + more;
    if needed <= FREE || needed <= buffer.capacity() {
        return;
    }
    let most = if expected == 0 { usize::MAX } else { expected + more };
    let mut larger = BytesMut::with_capacity((2 * buffer.len()).min(most).max(needed));
    larger.extend_from_slice(buffer);
    *buffer = larger;
}

/// Enters what came outside of TLS records.
fn enter_clear(bytes: &[u8], log: &Log, unexpected: &mut UnexpectedPackets) {
    log.clear_from_client(bytes);
    unexpected.follow(bytes, |packet, size| log.first_packet(false, size, packet));
}

/// A handshake that came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unfinished {
    /// The client left.
    Gone,
    /// Either side refused.
    Failed(Failure),
}
