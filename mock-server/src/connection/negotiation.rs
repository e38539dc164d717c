//! What comes before the login: first packets, ClientHello, the handshake.

use super::{
    channel::{Gone, Unfinished},
    state::OpenConnection,
};
use crate::{
    machine::action::{Input, TlsSession},
    protocol::{
        frontend::Message,
        startup::{self, Packet},
    },
    tls::{ALPN, Agreed, Failure, Hello, HelloReader},
    trace::Event,
    transcript::{EntryKind, Sender, TlsFacts},
};

/// The type of TLS records that hold handshake messages: the first byte of a ClientHello.
const TLS_HANDSHAKE: u8 = 22;

impl OpenConnection {
    /// Waits for a first packet, or for what is none; `None` once the connection is over.
    pub(super) async fn first_packet(&mut self, again: bool) -> Option<Input<'static>> {
        if again {
            self.channel.expect_records();
        }
        match self.arrival().await {
            Ok(input) => Some(input),
            Err(Gone) => {
                if !self.channel.received().is_empty() {
                    self.event(Event::Junk);
                    self.junk();
                }
                self.channel.close().await;
                None
            }
        }
    }

    /// Waits for a first packet, or for what is none, and enters it.
    async fn arrival(&mut self) -> Result<Input<'static>, Gone> {
        loop {
            let bytes = self.channel.received();
            if bytes.first() == Some(&TLS_HANDSHAKE) {
                return Ok(Input::TlsRecord);
            }
            match startup::first_packet(bytes) {
                Ok(Some((packet, size))) => {
                    self.channel.take(size);
                    let encrypted = self.channel.is_encrypted();
                    self.channel.log().first_packet(encrypted, size, &packet);
                    if let Packet::Startup(startup) = &packet {
                        self.startup_held = Some(self.account.hold(startup.size()));
                    }
                    return Ok(Input::Packet(packet));
                }
                Ok(None) => self.channel.fill().await?,
                Err(error) => {
                    tracing::debug!(%error, "no first packet");
                    return Ok(Input::Neither);
                }
            }
        }
    }

    /// Waits for the whole ClientHello, and enters it; whether the connection goes on.
    pub(super) async fn client_hello(&mut self) -> bool {
        if self.hello_seen {
            return true;
        }
        self.begin_tls();
        match self.read_client_hello().await {
            Err(Gone) => return false,
            Ok(None) if self.channel.received().first() != Some(&TLS_HANDSHAKE) => {
                self.not_tls().await;
                return false;
            }
            // Whatever it is, TLS has an answer to it.
            Ok(None) => {}
            Ok(Some((facts, size))) => {
                self.channel.log().client_hello(facts);
                self.enter(Sender::Client, size, EntryKind::ClientHello);
            }
        }
        self.hello_seen = true;
        true
    }

    /// Waits for the whole ClientHello and leaves it where it is; `None` if it is none.
    async fn read_client_hello(&mut self) -> Result<Option<(TlsFacts, usize)>, Gone> {
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
                Err(_) if self.machine.has_injected() => return self.not_tls_but_a_session().await,
                Err(_) => Err(Gone),
            };
            if more.is_err() {
                self.junk();
                break;
            }
        }
        self.channel.close().await;
    }

    /// The client may take an injected login for its own, and go on in clear. Terminate alone says
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

    /// Waits for the ClientHello, if it did not come yet, and shakes hands; `None` once the
    /// connection is over.
    pub(super) async fn handshake(&mut self) -> Option<Input<'static>> {
        if !self.client_hello().await {
            return None;
        }
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
                return Some(Input::NotSecured);
            }
        }
        if let Some(size) = self.machine.tls().record_size {
            self.channel.limit_records(size);
        }
        let engine = self.channel.engine()?;
        let Agreed { version, cipher, alpn } = engine.agreed();
        self.tls = Some(TlsSession {
            server_end_point: self
                .context
                .as_deref()
                .and_then(|context| context.server_end_point.clone()),
            client_name: engine.client_name(),
        });
        let bound = alpn.as_deref().is_some_and(|alpn| alpn.as_bytes() == ALPN);
        self.channel.log().note(|connection| {
            let facts = connection.tls.take().unwrap_or_default();
            connection.tls = Some(TlsFacts { version, cipher, alpn, complete: true, ..facts });
        });
        self.enter(Sender::Server, 0, EntryKind::HandshakeComplete);
        Some(Input::Secured { alpn: bound })
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

    /// Answers nothing, and notices what begins a login, or cancels, when it comes.
    pub(super) async fn listen_in_silence(&mut self) {
        while let Ok(arrival) = self.arrival().await {
            match arrival {
                Input::Packet(Packet::SslRequest | Packet::GssEncRequest) => continue,
                Input::Packet(Packet::Startup(_)) => {
                    self.channel.log().until_decided(Event::AuthQuit);
                }
                Input::Packet(Packet::Cancel(_)) => self.event(Event::Cancel),
                _ => {
                    self.event(Event::Junk);
                    self.junk();
                }
            }
            // What follows belongs to that, and is no first packet any more.
            break;
        }
    }
}
