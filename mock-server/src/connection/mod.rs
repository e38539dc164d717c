//! One connection, from its acceptance to its end: the rim of sockets around the machine.

mod channel;
mod log;
mod message;
mod negotiation;
mod session;
mod unexpected;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use pgtls_harness::Deadline;
use tokio::time::sleep;

use self::channel::{Bound, Gone};
pub(crate) use self::{channel::Channel, log::Log};
use crate::{
    budget::{Account, Exhausted, Held},
    core::Core,
    machine::{
        Machine,
        action::{Action, Input, Note, Part, TlsSession, Turn, World},
    },
    plan::Plan,
    protocol::{backend, frontend::Message, report::Report},
    session::out_of_memory,
    tls::Context,
    transcript::{EntryKind, Sender},
};

/// How long a client behind an injected login has to speak before it is asked. One that takes it for
/// its own sends its query by itself; asked at once, some clients run a race with themselves.
/// Chosen well above a scheduling delay on a busy machine, and well below any connect timeout.
const HEAD_START: Duration = Duration::from_millis(100);

/// A connection and what the server makes of it.
pub(crate) struct Connection {
    channel: Channel,
    core: Arc<Core>,
    machine: Machine,
    /// Absent where the script never comes to a handshake.
    context: Option<Arc<Context>>,
    tls: Option<TlsSession>,
    /// How many connections were accepted before.
    number: u64,
    peer: SocketAddr,
    /// What pays for the session.
    account: Account,
    /// There are as many connections as there may be: the login is refused.
    crowded: bool,
    /// What a StartupMessage holds of the account; an error if there is no room for it.
    startup_held: Option<Result<Held, Exhausted>>,
    /// What comes from here on is TLS.
    tls_begun: bool,
    /// The ClientHello was entered, or what came is none that can be read.
    hello_seen: bool,
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
enum Driven {
    /// A session is to be served.
    Session,
    /// The connection is over.
    Over,
}

impl Connection {
    pub(crate) fn new(channel: Channel, core: Arc<Core>, met: Met, account: Account) -> Self {
        let Met { plan, number, peer, crowded } = met;
        let Plan { conversation, context, offers_tls } = plan;
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
            tls_begun: false,
            hello_seen: false,
        }
    }

    /// Serves the client until it leaves, or has to.
    pub(crate) async fn run(&mut self) {
        if self.drive().await == Driven::Session {
            self.serve_session().await;
        }
    }

    /// Sends RST, wherever the connection stands.
    pub(crate) fn reset(&mut self) {
        self.channel.reset();
    }

    /// Does what the machine says until that is to serve a session, or the connection is over.
    async fn drive(&mut self) -> Driven {
        let mut turn = self.advance(Input::Done, None);
        loop {
            turn = match turn.action {
                Action::AwaitFirstPacket { again } => {
                    let Some(input) = self.first_packet(again).await else { return Driven::Over };
                    self.advance(input, None)
                }
                Action::AwaitByte { of_tls } => {
                    if of_tls {
                        self.begin_tls();
                    }
                    match self.anything().await {
                        Ok(()) => self.advance(Input::Done, None),
                        Err(Gone) if of_tls => return Driven::Over,
                        Err(Gone) => return self.gone().await,
                    }
                }
                Action::AwaitClientHello => {
                    if !self.client_hello().await {
                        return Driven::Over;
                    }
                    self.advance(Input::Done, None)
                }
                Action::AwaitMessage => {
                    let Some(turn) = self.await_message().await else { return Driven::Over };
                    turn
                }
                Action::HeadStart => {
                    let spoke = self.speaks_unasked().await;
                    self.advance(Input::Spoke(spoke), None)
                }
                Action::Wait(time) => {
                    sleep(time).await;
                    self.advance(Input::Done, None)
                }
                Action::Send(parts) => {
                    self.send_parts(parts).await;
                    self.advance(Input::Done, None)
                }
                Action::Handshake => match self.handshake().await {
                    Some(input) => self.advance(input, None),
                    None => return Driven::Over,
                },
                Action::MakeVerifier(iterations) => {
                    let verifier = self.core.verifier(iterations).await;
                    self.advance(Input::Verifier(verifier), None)
                }
                Action::Session => return Driven::Session,
                Action::Reject(parts, report) => {
                    self.send_parts(parts).await;
                    self.send_report(report).await;
                    return self.close().await;
                }
                Action::Junk(report) => {
                    self.junk();
                    if let Some(report) = report {
                        self.send_report(report).await;
                    }
                    return self.close().await;
                }
                Action::Close => return self.close().await,
                Action::Reset => {
                    self.channel.reset();
                    return Driven::Over;
                }
                Action::Silence { listening } => {
                    if listening {
                        self.listen_in_silence().await;
                    }
                    self.channel.wait_for_end().await;
                    return Driven::Over;
                }
            };
        }
    }

    /// Tells the machine what came, and enters what it makes of it.
    fn advance(&mut self, input: Input<'_>, message: Option<(&Message, usize)>) -> Turn {
        let refusal = self.refusal();
        let world = world(&self.core, self.tls.as_ref(), self.number, self.peer, refusal);
        let mut turn = self.machine.advance(input, &world);
        for note in std::mem::take(&mut turn.enter) {
            self.note(note, message);
        }
        turn
    }

    /// Why nobody is let in, if so.
    fn refusal(&self) -> Option<Report> {
        match &self.startup_held {
            _ if self.crowded => Some(Report::fatal("53300", "sorry, too many clients already")),
            Some(Err(Exhausted)) => Some(out_of_memory(Exhausted).made_fatal()),
            _ => None,
        }
    }

    /// Messages of the honest server as the script edits them.
    fn edited(&mut self, messages: Vec<u8>) -> Vec<u8> {
        let world = world(&self.core, self.tls.as_ref(), self.number, self.peer, None);
        self.machine.edit(messages, &world)
    }

    /// From here on, what comes is TLS.
    fn begin_tls(&mut self) {
        if !std::mem::replace(&mut self.tls_begun, true) {
            self.channel.begin_tls();
        }
    }

    fn note(&mut self, note: Note, message: Option<(&Message, usize)>) {
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

    /// Whether the client has more to say before it is asked.
    async fn speaks_unasked(&mut self) -> bool {
        let deadline = Deadline::after(HEAD_START);
        // What was read may be the beginning of a TLS record, and say nothing yet. Silence, bytes
        // and the end are all seen by whoever reads next.
        while self.channel.received().is_empty()
            && let Ok(Ok(())) = deadline.bound(self.channel.fill()).await
        {}
        !self.channel.received().is_empty()
    }

    /// Waits until something is there to be read.
    async fn anything(&mut self) -> Result<(), Gone> {
        while self.channel.received().is_empty() {
            self.channel.fill().await?;
        }
        Ok(())
    }

    /// The client left, or the server has no more room for it.
    async fn gone(&mut self) -> Driven {
        if self.channel.ended_by() == Some(Bound::Memory) {
            self.say_out_of_memory().await;
        }
        self.close().await
    }

    async fn close(&mut self) -> Driven {
        self.channel.close().await;
        Driven::Over
    }

    fn enter(&self, sender: Sender, size: usize, kind: EntryKind) {
        self.channel.log().enter(sender, self.channel.is_encrypted(), size, kind);
    }

    /// Sends a segment's parts.
    async fn send_parts(&mut self, parts: Vec<Part>) {
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
    async fn send_report(&mut self, mut report: Report) {
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
