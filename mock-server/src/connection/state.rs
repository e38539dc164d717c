//! A connection's state, and what everything that happens on it comes down to: telling the machine,
//! entering, sending, closing.

use std::{net::SocketAddr, sync::Arc};

use super::channel::{Bound, Channel};
use crate::{
    budget::{Account, Exhausted, Held},
    core::Core,
    describe,
    machine::{
        Machine,
        action::{Input, Note, Part, TlsSession, Turn, World},
        segment,
    },
    plan::Plan,
    protocol::{backend, frontend::Message, report::Report},
    session::{Session, out_of_memory},
    tls::Context,
    trace::Event,
    transcript::{EntryKind, Sender},
};

/// How much of what is no message is kept in the transcript, in bytes.
const MAX_JUNK: usize = 64;
/// A connection and what the server makes of it.
pub(crate) struct OpenConnection {
    pub(super) channel: Channel,
    pub(super) core: Arc<Core>,
    pub(super) machine: Machine,
    /// Absent where the script never comes to a handshake.
    pub(super) context: Option<Arc<Context>>,
    pub(super) tls: Option<TlsSession>,
    /// How many connections were accepted before.
    pub(super) number: u64,
    pub(super) peer: SocketAddr,
    /// What pays for the session.
    pub(super) account: Account,
    /// There are as many connections as there may be: the login is refused.
    pub(super) crowded: bool,
    /// What a StartupMessage holds of the account; an error if there is no room for it.
    pub(super) startup_held: Option<Result<Held, Exhausted>>,
    /// The session that goes along where steps answer the client.
    pub(super) following: Option<Session>,
    /// What comes from here on is TLS.
    pub(super) tls_begun: bool,
    /// The ClientHello was entered, or what came is none that can be read.
    pub(super) hello_seen: bool,
}

/// What a connection meets when it is accepted.
pub(crate) struct Met {
    pub(crate) plan: Plan,
    /// How many connections were accepted before.
    pub(crate) number: u64,
    pub(crate) peer: SocketAddr,
    /// There are as many connections as there may be.
    pub(crate) crowded: bool,
}

/// How the machine's work ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Driven {
    /// A session is to be served.
    Session,
    /// The connection is over.
    Over,
}

impl OpenConnection {
    pub(crate) fn new(channel: Channel, core: Arc<Core>, met: Met, account: Account) -> Self {
        let Met { plan, number, peer, crowded } = met;
        let Plan { conversation, context, offers_tls, answer_timeout: _ } = plan;
        let machine = Machine::new(conversation, offers_tls);
        Self {
            channel,
            core,
            machine,
            context,
            tls: None,
            number,
            peer,
            account,
            crowded,
            startup_held: None,
            following: None,
            tls_begun: false,
            hello_seen: false,
        }
    }

    /// Sends RST, wherever the connection stands.
    pub(crate) fn reset(&mut self) {
        self.channel.reset();
    }

    /// Tells the machine what came, and enters what it makes of it.
    pub(super) fn advance(&mut self, input: Input<'_>, message: Option<(&Message, usize)>) -> Turn {
        let refusal = self.refusal();
        let world = world(&self.core, self.tls.as_ref(), self.number, self.peer, refusal);
        let mut turn = self.machine.advance(input, &world);
        for note in std::mem::take(&mut turn.enter) {
            self.note(note, message);
        }
        turn
    }

    /// Why nobody is let in, if so.
    pub(super) fn refusal(&self) -> Option<Report> {
        match &self.startup_held {
            _ if self.crowded => Some(Report::fatal("53300", "sorry, too many clients already")),
            Some(Err(Exhausted)) => Some(out_of_memory(Exhausted).made_fatal()),
            _ => None,
        }
    }

    /// Messages of the honest server as the script edits them.
    pub(super) fn edited(&mut self, messages: Vec<u8>) -> Vec<u8> {
        let world = world(&self.core, self.tls.as_ref(), self.number, self.peer, None);
        self.machine.edit(messages, &world)
    }

    /// From here on, what comes is TLS.
    pub(super) fn begin_tls(&mut self) {
        if !std::mem::replace(&mut self.tls_begun, true) {
            self.channel.begin_tls();
        }
    }

    pub(super) fn note(&mut self, note: Note, message: Option<(&Message, usize)>) {
        match note {
            Note::Event(event) => {
                self.channel.log().event(event, self.channel.is_encrypted());
            }
            Note::UntilDecided(event) => self.channel.log().until_decided(event),
            Note::Challenge(challenge) => {
                self.channel.log().note(|connection| connection.challenges.push(challenge));
            }
            Note::Proof(proof) => {
                let size = message.map_or(0, |(_, size)| size);
                self.enter(Sender::Client, size, EntryKind::Proof(proof));
            }
            Note::Message => {
                if let Some((message, size)) = message {
                    self.enter_frontend(message, size);
                }
            }
            Note::OutOfTurn => {
                if let Some((message, size)) = message {
                    self.enter_out_of_turn(message, size);
                }
            }
        }
    }

    /// Enters a message that nobody asked for, behind an injected login.
    pub(super) fn enter_out_of_turn(&self, message: &Message, size: usize) {
        let words = format!("{} {}", message.name(), message.summary());
        self.enter(Sender::Client, size, EntryKind::OutOfTurn(words.trim_end().to_owned()));
    }

    pub(super) fn enter_frontend(&self, message: &Message, size: usize) {
        let kind = EntryKind::Frontend {
            tag: message.tag(),
            name: message.name(),
            summary: message.summary(),
        };
        self.enter(Sender::Client, size, kind);
    }

    /// Sends messages of the honest server in one segment, edited as the script has it.
    pub(super) async fn send_honest(&mut self, messages: Vec<u8>) {
        if self.machine.edits() {
            let edited = self.edited(messages);
            return self.send_parts(segment::messages(&edited)).await;
        }
        self.send(&messages).await;
    }

    /// Sends protocol messages in one segment.
    pub(super) async fn send(&mut self, messages: &[u8]) {
        let entries = describe::messages(messages);
        self.channel.log().enter_all(Sender::Server, self.channel.is_encrypted(), entries);
        self.channel.send(messages).await;
    }

    pub(super) async fn say_out_of_memory(&mut self) {
        self.send_report(out_of_memory(Exhausted).made_fatal()).await;
    }

    pub(super) fn junk(&mut self) {
        let bytes = self.channel.take_all();
        let kept = bytes[..bytes.len().min(MAX_JUNK)].to_vec();
        self.enter(Sender::Client, bytes.len(), EntryKind::Junk(kept));
    }

    pub(super) fn event(&self, event: Event) {
        self.channel.log().event(event, self.channel.is_encrypted());
    }

    /// The client left, or the server has no more room for it.
    pub(super) async fn gone(&mut self) -> Driven {
        if self.channel.ended_by() == Some(Bound::Memory) {
            self.say_out_of_memory().await;
        }
        self.close().await
    }

    pub(super) async fn close(&mut self) -> Driven {
        self.channel.close().await;
        Driven::Over
    }

    pub(super) fn enter(&self, sender: Sender, size: usize, kind: EntryKind) {
        self.channel.log().enter(sender, self.channel.is_encrypted(), size, kind);
    }

    /// Sends a segment's parts.
    pub(super) async fn send_parts(&mut self, parts: Vec<Part>) {
        let mut segment = Vec::new();
        let mut entries = Vec::with_capacity(parts.len());
        for Part { bytes, kind } in parts {
            entries.push((bytes.len(), kind));
            segment.extend(bytes);
        }
        let encrypted = self.channel.is_encrypted();
        self.channel.log().enter_all(Sender::Server, encrypted, entries.into_iter());
        self.channel.send(&segment).await;
    }

    /// Sends an ErrorResponse; in clear it carries the canary, which comes first: a client that
    /// quotes no more than the beginning quotes it too.
    pub(super) async fn send_report(&mut self, mut report: Report) {
        let canary = &self.core.canary;
        if !self.channel.is_encrypted() && !canary.is_empty() {
            report.message = format!("{canary}: {}", report.message);
        }
        let mut message = Vec::new();
        backend::error_response(&mut message, &report);
        self.send(&message).await;
    }
}

/// What the machine knows of the world around it.
fn world<'a>(
    core: &'a Core,
    tls: Option<&'a TlsSession>,
    number: u64,
    peer: SocketAddr,
    refusal: Option<Report>,
) -> World<'a> {
    World {
        password: &core.password,
        canary: &core.canary,
        number: core.query_number,
        client: peer.ip(),
        tls,
        seed: core.seed.nth(number),
        connection: number,
        refusal,
    }
}
