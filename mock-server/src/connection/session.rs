//! The session behind a login: queries and their answers.

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    task::{coop::consume_budget, yield_now},
};

use super::{
    channel::Bound,
    state::{Driven, OpenConnection},
};
use crate::{
    budget::{Account, Exhausted, Held},
    protocol::{self, frontend, report::Report},
    session::{Flow, Respond, Session},
};

/// How much is answered before it is sent, however many messages still wait, in bytes.
const FLUSH_SIZE: usize = 64 * 1024;

/// How large the buffer of an answer may be that no account pays for, in bytes.
const FREE_ANSWER: usize = 8 * 1024;

/// How much a session may do before it waits for its turn, in bytes: less than a millisecond's work.
const TURN: usize = 16 * 1024;
/// What a message counts for beside its size: however short, it is entered and answered.
const MESSAGE: usize = 64;

impl OpenConnection {
    /// The session, and its end.
    pub(super) async fn serve_session(&mut self) {
        match self.following.take().or_else(|| self.new_session()) {
            Some(session) => {
                if self.session(session).await == Driven::Over {
                    return;
                }
            }
            None => self.say_out_of_memory().await,
        }
        match self.channel.ended_by() {
            Some(Bound::Memory) => self.say_out_of_memory().await,
            Some(Bound::Idle) => {
                let words = "terminating connection due to idle-session timeout";
                self.send_report(Report::fatal("57P05", words)).await;
            }
            Some(Bound::Silent) | None => {}
        }
        self.channel.close().await;
    }

    /// Answers messages until the client leaves, or has to; [`Driven::Over`] if the connection has
    /// been ended by then.
    async fn session(&mut self, mut session: Session) -> Driven {
        let mut answer = Answer::new(&self.account);
        let mut work = Work::default();
        while self.channel.ended_by().is_none() {
            // However many messages came at once, the deadline is looked at between them.
            consume_budget().await;
            match self.respond(&mut session, &mut answer, &mut work).await {
                Ok(Some(Responded::Honestly(respond))) => {
                    if self.answered(respond, &mut session, &mut answer).await == Flow::Close {
                        break;
                    }
                }
                Ok(Some(Responded::BySteps)) => {
                    self.send_answer(&mut answer).await;
                    self.following = Some(session);
                    if self.drive().await == Driven::Over {
                        return Driven::Over;
                    }
                    let Some(back) = self.following.take() else { return Driven::Session };
                    session = back;
                }
                Ok(None) => {
                    self.send_answer(&mut answer).await;
                    let expected = frontend::size(self.channel.received()).unwrap_or_default();
                    let Ok(()) = self.channel.fill_up_to(expected).await else { break };
                }
                Err(error) => {
                    self.send_answer(&mut answer).await;
                    self.junk();
                    self.send_report(Report::fatal("08P01", error.to_string())).await;
                    break;
                }
            }
        }
        Driven::Session
    }

    /// Answers the message that is there, if one is, or begins to.
    async fn respond(
        &mut self,
        session: &mut Session,
        answer: &mut Answer,
        work: &mut Work,
    ) -> Result<Option<Responded>, protocol::Error> {
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
        let by_steps = self.machine.reacts_to(&message);
        if by_steps {
            self.machine.react(&message);
        }
        let respond = session.respond(message, &mut answer.bytes);
        work.0 += answer.bytes.len() - before;
        let responded = if by_steps {
            // The honest session goes along, so that the cell's query is noticed, but is not heard.
            self.hush(respond, session, &mut answer.bytes, before);
            Responded::BySteps
        } else {
            Responded::Honestly(respond)
        };
        if turn.is_some() {
            // All others are served before the next one has its turn.
            yield_now().await;
        }
        Ok(Some(responded))
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
                self.enter_query(seen.unwrap_or_default());
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
            let bytes = std::mem::take(&mut answer.bytes);
            self.send_honest(bytes).await;
        }
        if answer.bytes.capacity() > FREE_ANSWER {
            answer.bytes = Vec::new();
            // Less is always to be had.
            let _ = answer.pay();
        }
    }
}

/// How a message was responded to.
enum Responded {
    /// By the honest session.
    Honestly(Respond),
    /// By the script's steps, to which the machine has gone.
    BySteps,
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
