//! The part of a connection that begins with StartupMessage: login, then queries.

use std::time::Duration;

use pgtls_harness::Deadline;
use rand::Rng;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    task::{coop::consume_budget, yield_now},
};

use super::{
    Connection,
    channel::{Bound, Gone},
};
use crate::{
    axes::{Auth, Reply},
    budget::{Account, Exhausted, Held},
    login::{Login, Step, Terms, TlsTerms},
    protocol::{
        self,
        backend::{self, Authentication, Report, TransactionStatus},
        frontend::{self, Message},
        startup::StartupMessage,
    },
    session::{Flow, Parameters, Respond, Session, out_of_memory},
    trace::Event,
    transcript::{EntryKind, Sender},
};

/// The newest protocol that the server speaks, PostgreSQL 18's.
const NEWEST_PROTOCOL: (u16, u16) = (3, 2);

/// How long a client behind stuffed bytes has to speak before it is asked. One that takes them for
/// its login sends its query by itself; asked at once, some clients run a race with themselves.
/// Chosen well above a scheduling delay on a busy machine, and well below any connect timeout.
const HEAD_START: Duration = Duration::from_millis(100);

/// How much is answered before it is sent, however many messages still wait, in bytes.
const FLUSH_SIZE: usize = 64 * 1024;

/// How large the buffer of an answer may be that no account pays for, in bytes.
const FREE_ANSWER: usize = 8 * 1024;

/// How much a session may do before it waits for its turn, in bytes: less than a millisecond's work.
const TURN: usize = 16 * 1024;
/// What a message counts for beside its size: however short, it is entered and answered.
const MESSAGE: usize = 64;

/// Why there is no next message.
pub(super) enum Missing {
    /// The client left.
    Gone,
    /// What it sent cannot be one.
    Broken(protocol::Error),
}

impl Connection {
    /// The login, and the session behind it.
    pub(super) async fn login(&mut self, startup: StartupMessage) {
        self.channel.log().until_decided(Event::AuthQuit);
        let seed = self.core.seed.nth(self.number);
        let held = self.account.hold(startup.size());
        let mut step = if self.crowded {
            Step::Reject(Report::fatal("53300", "sorry, too many clients already"))
        } else if let Err(exhausted) = held {
            Step::Reject(out_of_memory(exhausted).made_fatal())
        } else {
            let verifier = match self.axes.auth {
                Auth::ScramSha256 | Auth::ScramSha256Plus => self.core.verifier().await,
                _ => None,
            };
            Login::start(&startup, &self.terms(), verifier, seed.child("login").rng())
        };
        let mut out = version_negotiation(&startup);
        loop {
            match step {
                Step::Ask { ask, challenge, login } => {
                    out.extend(ask);
                    let spoke_unasked = self.stuffed && self.speaks_unasked().await;
                    self.channel.log().note(|connection| connection.challenges.extend(challenge));
                    self.send(&out).await;
                    out.clear();
                    let Some(next) = self.proof(login, spoke_unasked).await else {
                        if self.channel.ended_by() == Some(Bound::Memory) {
                            self.say_out_of_memory().await;
                        }
                        return self.channel.close().await;
                    };
                    step = next;
                }
                Step::Accept(message) => {
                    out.extend(message);
                    break;
                }
                Step::Reject(report) => {
                    self.event(Event::AuthFail);
                    self.send(&out).await;
                    self.send_report(report).await;
                    return self.channel.close().await;
                }
            }
        }
        self.event(Event::AuthOk);
        let parameters = Parameters::new(&startup, self.axes.reply != Reply::Refuse);
        backend::authentication(&mut out, Authentication::Ok);
        parameters.report(&mut out);
        let mut rng = seed.child("cancel key").rng();
        let mut key = [0; 32];
        rng.fill_bytes(&mut key);
        // Since protocol 3.2 keys are long.
        let key_size = if startup.protocol >= (3, 2) { key.len() } else { 4 };
        let process_id = i32::try_from(self.number % 1_000_000).unwrap_or_default() + 1_000;
        backend::backend_key_data(&mut out, process_id, &key[..key_size]);
        backend::ready_for_query(&mut out, TransactionStatus::Idle);
        self.send(&out).await;
        // They hold more than what comes of them, and for as long as they are there.
        drop((startup, held, out));
        match Session::new(parameters, self.core.query_number, self.account.clone()) {
            Ok(session) => self.session(session).await,
            Err(Exhausted) => self.say_out_of_memory().await,
        }
        match self.channel.ended_by() {
            Some(Bound::Memory) => self.say_out_of_memory().await,
            Some(Bound::Idle) => {
                let words = "terminating connection due to idle-session timeout";
                self.send_report(Report::fatal("57P05", words)).await;
            }
            None => {}
        }
        self.channel.close().await;
    }

    async fn say_out_of_memory(&mut self) {
        self.send_report(out_of_memory(Exhausted).made_fatal()).await;
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

    fn terms(&self) -> Terms<'_> {
        let tls = self.channel.engine().map(|engine| TlsTerms {
            server_end_point: self
                .context
                .as_deref()
                .and_then(|context| context.server_end_point.clone()),
            client_name: engine.client_name(),
        });
        Terms {
            access: self.axes.access,
            auth: self.axes.auth,
            password: &self.core.password,
            client: self.peer.ip(),
            tls,
        }
    }

    /// Waits for the proof and judges it; `None` if the client leaves instead. One that says
    /// farewell before it was asked for anything does so because it takes stuffed bytes for a login.
    async fn proof(&mut self, login: Login, spoke_unasked: bool) -> Option<Step> {
        let (message, size) = match self.message().await {
            Ok((Message::Terminate, size)) if !spoke_unasked => {
                self.enter_frontend(&Message::Terminate, size);
                return None;
            }
            Ok(next) => next,
            Err(Missing::Gone) => return None,
            Err(Missing::Broken(error)) => {
                if self.stuffed {
                    self.enter(Sender::Client, 0, EntryKind::OutOfTurn(error.to_string()));
                }
                self.junk();
                return Some(Step::Reject(Report::fatal("08P01", error.to_string())));
            }
        };
        let judged = login.take(&message);
        match judged.proof {
            Some(proof) => self.enter(Sender::Client, size, EntryKind::Proof(proof)),
            None if self.stuffed => self.enter_out_of_turn(&message, size),
            None => self.enter_frontend(&message, size),
        }
        Some(judged.step)
    }

    /// Answers messages until the client leaves, or has to.
    async fn session(&mut self, mut session: Session) {
        let mut answer = Answer::new(&self.account);
        let mut work = Work::default();
        while self.channel.ended_by().is_none() {
            // However many messages came at once, the deadline is looked at between them.
            consume_budget().await;
            match self.respond(&mut session, &mut answer, &mut work).await {
                Ok(Some(respond)) => {
                    if self.answered(respond, &mut session, &mut answer).await == Flow::Close {
                        return;
                    }
                }
                Ok(None) => {
                    self.send_answer(&mut answer).await;
                    let expected = frontend::size(self.channel.received()).unwrap_or_default();
                    let Ok(()) = self.channel.fill_up_to(expected).await else { return };
                }
                Err(error) => {
                    self.send_answer(&mut answer).await;
                    self.junk();
                    return self.send_report(Report::fatal("08P01", error.to_string())).await;
                }
            }
        }
    }

    /// Answers the message that is there, if one is, or begins to.
    async fn respond(
        &mut self,
        session: &mut Session,
        answer: &mut Answer,
        work: &mut Work,
    ) -> Result<Option<Respond>, protocol::Error> {
        let received = self.channel.received();
        let turn = match frontend::size(received) {
            Some(size) if size <= received.len() => work.turn(size, &self.core.turns).await,
            _ => None,
        };
        let Some((message, size)) = frontend::message(self.channel.received())? else {
            return Ok(None);
        };
        self.channel.take(size);
        self.enter_frontend(&message, size);
        let before = answer.bytes.len();
        let respond = session.respond(message, &mut answer.bytes);
        work.0 += answer.bytes.len() - before;
        if turn.is_some() {
            // All others are served before the next one has its turn.
            yield_now().await;
        }
        Ok(Some(respond))
    }

    /// What came of a message: sends what it makes of the answer, piece by piece where it is long.
    async fn answered(
        &mut self,
        mut respond: Respond,
        session: &mut Session,
        answer: &mut Answer,
    ) -> Flow {
        let mut seen = None;
        loop {
            if respond.query_seen.is_some() && respond.query_seen != seen {
                seen = respond.query_seen;
                let number = seen.unwrap_or_default();
                self.enter(Sender::Client, 0, EntryKind::Query(format!("SELECT {number}")));
            }
            let paid = answer.pay().is_ok();
            if !paid && answer.bytes.len() > 2 * FREE_ANSWER {
                answer.bytes = Vec::new();
                self.say_out_of_memory().await;
                return Flow::Close;
            }
            if !paid || respond.flow == Flow::Close || answer.bytes.len() >= FLUSH_SIZE {
                self.send_answer(answer).await;
            }
            if respond.flow != Flow::More || self.channel.ended_by().is_some() {
                return respond.flow;
            }
            let turn = self.core.turns.acquire().await;
            respond = session.proceed(&mut answer.bytes);
            yield_now().await;
            drop(turn);
        }
    }

    /// Sends what was answered so far. As long as the client does not read it, nothing more is done
    /// for it.
    async fn send_answer(&mut self, answer: &mut Answer) {
        if !answer.bytes.is_empty() {
            self.send(&answer.bytes).await;
            answer.bytes.clear();
        }
        if answer.bytes.capacity() > FREE_ANSWER {
            answer.bytes = Vec::new();
            // Less is always to be had.
            let _ = answer.pay();
        }
    }

    /// The next message and its size.
    pub(super) async fn message(&mut self) -> Result<(Message, usize), Missing> {
        loop {
            match frontend::message(self.channel.received()) {
                Ok(Some((message, size))) => {
                    self.channel.take(size);
                    return Ok((message, size));
                }
                Ok(None) => {
                    let expected = frontend::size(self.channel.received()).unwrap_or_default();
                    self.channel.fill_up_to(expected).await.map_err(|Gone| Missing::Gone)?;
                }
                Err(error) => return Err(Missing::Broken(error)),
            }
        }
    }

    /// Enters a message that nobody asked for, behind stuffed bytes.
    pub(super) fn enter_out_of_turn(&self, message: &Message, size: usize) {
        let words = format!("{} {}", message.name(), message.summary());
        self.enter(Sender::Client, size, EntryKind::OutOfTurn(words.trim_end().to_owned()));
    }

    pub(super) fn enter_frontend(&self, message: &Message, size: usize) {
        let what = EntryKind::Frontend {
            tag: message.tag(),
            name: message.name(),
            summary: message.summary(),
        };
        self.enter(Sender::Client, size, what);
    }
}

/// What was answered and not yet sent.
struct Answer {
    bytes: Vec<u8>,
    held: Held,
}

impl Answer {
    fn new(account: &Account) -> Self {
        Self { bytes: Vec::new(), held: account.hold_nothing() }
    }

    /// Has the account pay for it.
    fn pay(&mut self) -> Result<(), Exhausted> {
        let size = self.bytes.capacity();
        self.held.resize(if size <= FREE_ANSWER { 0 } else { size })
    }
}

/// How much a session has done since others had their turn, in bytes that came.
#[derive(Default)]
struct Work(usize);

impl Work {
    /// Waits for a turn where a message of this size is due for one. An honest session hardly ever
    /// is; of those that are, one is served at a time, in their order, so that all the others wait
    /// for no more than one piece of work.
    async fn turn<'a>(&mut self, size: usize, turns: &'a Semaphore) -> Option<SemaphorePermit<'a>> {
        self.0 += MESSAGE + size;
        if self.0 < TURN {
            return None;
        }
        self.0 = 0;
        turns.acquire().await.ok()
    }
}

/// NegotiateProtocolVersion, where the client asks for more than there is.
fn version_negotiation(startup: &StartupMessage) -> Vec<u8> {
    let unknown: Vec<&str> = startup
        .parameters()
        .map(|(name, _)| name)
        .filter(|name| name.starts_with("_pq_."))
        .collect();
    let mut message = Vec::new();
    if startup.protocol.0 == 3 && (startup.protocol > NEWEST_PROTOCOL || !unknown.is_empty()) {
        let version = startup.protocol.min(NEWEST_PROTOCOL);
        backend::negotiate_protocol_version(&mut message, version, &unknown);
    }
    message
}
