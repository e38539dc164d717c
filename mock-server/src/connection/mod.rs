//! One connection, from its acceptance to its end.

mod channel;
mod describe;
mod hostile;
mod log;
mod session;
mod strays;

use std::{net::SocketAddr, sync::Arc};

use self::channel::{Gone, Unfinished};
pub(crate) use self::{channel::Channel, log::Log};
use crate::{
    axes::ServerAxes,
    budget::Account,
    core::Core,
    negotiation::{Arrival, End, Negotiation, Next, Piece, Play},
    protocol::{
        backend::{self, Report},
        frontend::Message,
        startup::{self, Packet},
    },
    tls::{ALPN, Agreed, Context, Failure, Hello, HelloReader},
    trace::Event,
    transcript::{EntryKind, Sender, TlsFacts},
};

/// How much of what is no message is kept in the transcript, in bytes.
const MAX_JUNK: usize = 64;
/// The type of TLS records that hold handshake messages: the first byte of a ClientHello.
const TLS_HANDSHAKE: u8 = 22;

/// A connection and what the server makes of it.
pub(crate) struct Connection {
    channel: Channel,
    core: Arc<Core>,
    axes: ServerAxes,
    /// Absent where the reply never comes to an honest handshake.
    context: Option<Arc<Context>>,
    /// How many connections were accepted before.
    number: u64,
    peer: SocketAddr,
    /// A login's end was sent where none had begun.
    stuffed: bool,
    /// What pays for the session.
    account: Account,
    /// There are as many connections as there may be: the login is refused.
    crowded: bool,
}

/// What a connection meets when it is accepted.
pub(crate) struct Met {
    pub(crate) axes: ServerAxes,
    /// Absent where the reply never comes to an honest handshake.
    pub(crate) context: Option<Arc<Context>>,
    /// How many connections were accepted before.
    pub(crate) number: u64,
    pub(crate) peer: SocketAddr,
    /// There are as many connections as there may be.
    pub(crate) crowded: bool,
}

/// The TLS handshake is complete, and the login may follow inside.
struct Secured;

impl Connection {
    pub(crate) fn new(channel: Channel, core: Arc<Core>, met: Met, account: Account) -> Self {
        let Met { axes, context, number, peer, crowded } = met;
        Self { channel, core, axes, context, number, peer, stuffed: false, account, crowded }
    }

    /// Serves the client until it leaves, or has to.
    pub(crate) async fn run(&mut self) {
        let mut negotiation = Negotiation::new(self.axes.reply);
        loop {
            let Ok(arrival) = self.arrival().await else {
                self.leftovers();
                return self.channel.close().await;
            };
            let step = negotiation.take(arrival);
            if let Some(event) = step.event {
                self.event(event);
            }
            self.send_pieces(&step.send).await;
            match step.next {
                Next::Listen => self.channel.expect_records(),
                Next::Login(startup) => return self.login(startup).await,
                Next::Tls { direct, play } => {
                    let Some(Secured) = self.tls(direct, play).await else { return };
                    negotiation = Negotiation::inside_tls(self.axes.reply);
                }
                Next::Close => return self.end(End::Close).await,
                Next::Reset => return self.end(End::Reset).await,
                Next::Silence => return self.listen_in_silence().await,
                Next::Junk => {
                    self.junk();
                    return self.channel.close().await;
                }
                Next::Unsupported => {
                    let report = Report::fatal("0A000", "unsupported frontend protocol 1234");
                    self.send_report(report).await;
                    return self.channel.close().await;
                }
            }
        }
    }

    /// Sends RST, wherever the connection stands.
    pub(crate) fn reset(&mut self) {
        self.channel.reset();
    }

    /// Waits for a first packet, or for what is none, and enters it.
    async fn arrival(&mut self) -> Result<Arrival, Gone> {
        loop {
            let bytes = self.channel.received();
            if bytes.first() == Some(&TLS_HANDSHAKE) {
                return Ok(Arrival::Tls);
            }
            match startup::first_packet(bytes) {
                Ok(Some((packet, size))) => {
                    self.channel.take(size);
                    let encrypted = self.channel.is_encrypted();
                    self.channel.log().first_packet(encrypted, size, &packet);
                    return Ok(Arrival::Packet(packet));
                }
                Ok(None) => self.channel.fill().await?,
                Err(error) => {
                    tracing::debug!(%error, "no first packet");
                    return Ok(Arrival::Neither);
                }
            }
        }
    }

    /// TLS as the play has it; afterwards the connection goes on only inside of it.
    async fn tls(&mut self, direct: bool, play: Play) -> Option<Secured> {
        if direct {
            self.channel.log().until_decided(Event::DirectSslReject);
        }
        self.channel.begin_tls();
        if play == Play::StuffLate {
            while self.channel.received().is_empty() {
                self.channel.fill().await.ok()?;
            }
            self.send_pieces(&[Piece::Stuffing]).await;
        }
        match self.client_hello().await.ok()? {
            None if self.channel.received().first() != Some(&TLS_HANDSHAKE) => {
                self.not_tls().await;
                return None;
            }
            // Whatever it is, TLS has an answer to it.
            None => {}
            Some((facts, size)) => {
                self.channel.log().client_hello(facts);
                self.enter(Sender::Client, size, EntryKind::ClientHello);
            }
        }
        match play {
            Play::Honest | Play::StuffLate => self.handshake(direct).await,
            Play::Spoil { events, send, end } => {
                for event in events {
                    self.event(event);
                }
                self.send_pieces(&send).await;
                self.end(end).await;
                None
            }
        }
    }

    /// Waits for the whole ClientHello and leaves it where it is; `None` if it is none.
    async fn client_hello(&mut self) -> Result<Option<(TlsFacts, usize)>, Gone> {
        let mut reader = HelloReader::default();
        loop {
            match reader.read(self.channel.received()) {
                Hello::Complete(facts, size) => return Ok(Some((facts, size))),
                Hello::Other => return Ok(None),
                Hello::Incomplete => self.channel.fill().await?,
            }
        }
    }

    /// The client got its `S`, and goes on as if there were no TLS. A first packet is entered as it
    /// comes; it is waited for, so that nothing depends on how many segments it comes in.
    async fn not_tls(&mut self) {
        self.event(Event::Junk);
        loop {
            let more = match startup::first_packet(self.channel.received()) {
                Ok(Some(_)) => break,
                Ok(None) => self.channel.fill().await,
                Err(_) if self.stuffed => return self.not_tls_but_a_session().await,
                Err(_) => Err(Gone),
            };
            if more.is_err() {
                self.junk();
                break;
            }
        }
        self.channel.close().await;
    }

    /// The client may take stuffed bytes for its login, and go on in clear. A farewell alone says
    /// nothing of the kind.
    async fn not_tls_but_a_session(&mut self) {
        match self.message().await {
            Ok((Message::Terminate, size)) => self.enter_frontend(&Message::Terminate, size),
            Ok((message @ Message::Unknown { .. }, size)) => self.enter_frontend(&message, size),
            Ok((message, size)) => self.enter_out_of_turn(&message, size),
            Err(_) => self.junk(),
        }
        self.channel.close().await;
    }

    async fn handshake(&mut self, direct: bool) -> Option<Secured> {
        let engine = match self.context.as_deref() {
            Some(context) => context.engine(),
            None => {
                Err(Failure { reason: "the server has no certificate".to_owned(), alert: None })
            }
        };
        let done = match engine {
            Ok(engine) => self.channel.handshake(engine).await,
            Err(failure) => Err(Unfinished::Failed(failure)),
        };
        match done {
            Ok(()) => {}
            Err(Unfinished::Gone) => {
                self.channel.close().await;
                return None;
            }
            Err(Unfinished::Failed(failure)) => {
                self.enter_client_alert(failure.alert);
                self.enter(Sender::Server, 0, EntryKind::HandshakeFailed(failure.reason));
                if direct {
                    self.event(Event::DirectSslReject);
                }
                self.channel.close().await;
                return None;
            }
        }
        let Agreed { version, cipher, alpn } = self.channel.engine()?.agreed();
        let bound = alpn.as_deref().is_some_and(|alpn| alpn.as_bytes() == ALPN);
        self.channel.log().note(|connection| {
            let facts = connection.tls.take().unwrap_or_default();
            connection.tls = Some(TlsFacts { version, cipher, alpn, complete: true, ..facts });
        });
        self.enter(Sender::Server, 0, EntryKind::HandshakeComplete);
        if direct && !bound {
            // As PostgreSQL: the handshake may do without ALPN, the connection may not.
            self.event(Event::DirectSslReject);
            self.channel.close().await;
            return None;
        }
        if direct {
            self.event(Event::DirectSslAccept);
        }
        Some(Secured)
    }

    /// An alert that came encrypted; one that did not is entered already.
    fn enter_client_alert(&self, alert: Option<String>) {
        let Some(alert) = alert.map(EntryKind::Alert) else { return };
        let known = self.channel.log().look(|connection| {
            connection
                .entries
                .iter()
                .any(|entry| entry.sender == Sender::Client && entry.what == alert)
        });
        if !known {
            self.enter(Sender::Client, 2, alert);
        }
    }

    async fn end(&mut self, end: End) {
        match end {
            End::Close => self.channel.close().await,
            End::Reset => self.channel.reset(),
            End::Silence => self.channel.wait_for_end().await,
        }
    }

    /// Answers nothing, and notices what begins a login, or cancels, when it comes.
    async fn listen_in_silence(&mut self) {
        while let Ok(arrival) = self.arrival().await {
            match arrival {
                Arrival::Packet(Packet::SslRequest | Packet::GssEncRequest) => continue,
                Arrival::Packet(Packet::Startup(_)) => {
                    self.channel.log().until_decided(Event::AuthQuit);
                }
                Arrival::Packet(Packet::Cancel(_)) => self.event(Event::Cancel),
                Arrival::Tls | Arrival::Neither => {
                    self.event(Event::Junk);
                    self.junk();
                }
            }
            // What follows belongs to that, and is no first packet any more.
            break;
        }
        self.channel.wait_for_end().await;
    }

    /// The client left; what it began to say is junk.
    fn leftovers(&mut self) {
        if !self.channel.received().is_empty() {
            self.event(Event::Junk);
            self.junk();
        }
    }

    fn junk(&mut self) {
        let bytes = self.channel.take_all();
        let kept = bytes[..bytes.len().min(MAX_JUNK)].to_vec();
        self.enter(Sender::Client, bytes.len(), EntryKind::Junk(kept));
    }

    fn event(&self, event: Event) {
        self.channel.log().event(event, self.channel.is_encrypted());
    }

    fn enter(&self, sender: Sender, size: usize, what: EntryKind) {
        self.channel.log().enter(sender, self.channel.is_encrypted(), size, what);
    }

    /// Sends pieces of the negotiation, honest or not, in one segment.
    async fn send_pieces(&mut self, pieces: &[Piece]) {
        let mut bytes = Vec::new();
        for &piece in pieces {
            let before = bytes.len();
            let what = hostile::append(piece, &self.core.canary, &mut bytes);
            self.enter(Sender::Server, bytes.len() - before, what);
            self.stuffed |= piece == Piece::Stuffing;
        }
        self.channel.send_raw(&bytes).await;
    }

    /// Sends protocol messages in one segment.
    async fn send(&mut self, messages: &[u8]) {
        let entries = describe::messages(messages);
        self.channel.log().enter_all(Sender::Server, self.channel.is_encrypted(), entries);
        self.channel.send(messages).await;
    }

    /// Sends an ErrorResponse; in clear it carries the canary.
    async fn send_report(&mut self, mut report: Report) {
        if !self.channel.is_encrypted() {
            report.message = hostile::marked(&self.core.canary, &report.message);
        }
        let mut message = Vec::new();
        backend::error_response(&mut message, &report);
        self.send(&message).await;
    }
}
