//! The part of a connection that begins with StartupMessage: login, then queries.

use std::time::Duration;

use pgtls_harness::Deadline;
use rand::Rng;
use tokio::task::coop::consume_budget;

use super::{Connection, channel::Gone};
use crate::{
    axes::Reply,
    login::{Login, Step, Terms, TlsTerms},
    protocol::{
        self,
        backend::{self, Authentication, Report, TransactionStatus},
        frontend::{self, Message},
        startup::StartupMessage,
    },
    session::{Flow, Parameters, Session},
    trace::Event,
    transcript::{Sender, What},
};

/// The newest protocol that the server speaks, PostgreSQL 18's.
const NEWEST_PROTOCOL: (u16, u16) = (3, 2);

/// How long a client behind stuffed bytes has to speak before it is asked. One that takes them for
/// its login sends its query by itself; asked at once, some clients run a race with themselves.
/// Chosen well above a scheduling delay on a busy machine, and well below any connect timeout.
const HEAD_START: Duration = Duration::from_millis(100);

/// How much is answered before it is sent, however many messages still wait, in bytes.
const FLUSH_SIZE: usize = 64 * 1024;

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
        let mut step = {
            let verifier = || self.core.authority.shared().verifier(&self.core.password);
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
        self.session(Session::new(parameters, self.core.query_number)).await;
        self.channel.close().await;
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
                    self.enter(Sender::Client, 0, What::OutOfTurn(error.to_string()));
                }
                self.junk();
                return Some(Step::Reject(Report::fatal("08P01", error.to_string())));
            }
        };
        let judged = login.take(&message);
        match judged.proof {
            Some(proof) => self.enter(Sender::Client, size, What::Proof(proof)),
            None if self.stuffed => self.enter_out_of_turn(&message, size),
            None => self.enter_frontend(&message, size),
        }
        Some(judged.step)
    }

    /// Answers messages until the client leaves, or has to.
    async fn session(&mut self, mut session: Session) {
        let mut out = Vec::new();
        loop {
            // However many messages came at once, the deadline is looked at between them.
            consume_budget().await;
            let message = frontend::message(self.channel.received());
            match message {
                Ok(Some((message, size))) => {
                    self.channel.take(size);
                    self.enter_frontend(&message, size);
                    let respond = session.respond(&message, &mut out);
                    if let Some(number) = respond.query_seen {
                        self.enter(Sender::Client, 0, What::Query(format!("SELECT {number}")));
                    }
                    if respond.flow == Flow::Close {
                        return self.send(&out).await;
                    }
                    if out.len() >= FLUSH_SIZE {
                        self.send(&out).await;
                        out.clear();
                    }
                }
                Ok(None) => {
                    if !out.is_empty() {
                        self.send(&out).await;
                        out.clear();
                    }
                    let Ok(()) = self.channel.fill().await else { return };
                }
                Err(error) => {
                    self.send(&out).await;
                    self.junk();
                    return self.send_report(Report::fatal("08P01", error.to_string())).await;
                }
            }
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
                Ok(None) => self.channel.fill().await.map_err(|Gone| Missing::Gone)?,
                Err(error) => return Err(Missing::Broken(error)),
            }
        }
    }

    /// Enters a message that nobody asked for, behind stuffed bytes.
    pub(super) fn enter_out_of_turn(&self, message: &Message, size: usize) {
        let words = format!("{} {}", message.name(), message.summary());
        self.enter(Sender::Client, size, What::OutOfTurn(words.trim_end().to_owned()));
    }

    pub(super) fn enter_frontend(&self, message: &Message, size: usize) {
        let what =
            What::Frontend { tag: message.tag(), name: message.name(), summary: message.summary() };
        self.enter(Sender::Client, size, what);
    }
}

/// NegotiateProtocolVersion, where the client asks for more than there is.
fn version_negotiation(startup: &StartupMessage) -> Vec<u8> {
    let unknown: Vec<&str> = startup
        .parameters
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| name.starts_with("_pq_."))
        .collect();
    let mut message = Vec::new();
    if startup.protocol.0 == 3 && (startup.protocol > NEWEST_PROTOCOL || !unknown.is_empty()) {
        let version = startup.protocol.min(NEWEST_PROTOCOL);
        backend::negotiate_protocol_version(&mut message, version, &unknown);
    }
    message
}
