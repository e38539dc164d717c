//! The honest session goes along, unheard, where steps answer the client: so the cell's query is
//! noticed whoever answers it, and what the client has prepared is known to the session behind.

use super::state::OpenConnection;
use crate::{
    protocol::frontend::Message,
    session::{Flow, Respond, Session},
    transcript::{EntryKind, Sender},
};

impl OpenConnection {
    /// Shows the session a message that steps answer, behind the login.
    pub(super) fn follow(&mut self, message: Message) {
        if !self.machine.is_logged_in() {
            return;
        }
        let begun = self.following.take().or_else(|| self.new_session());
        if let Some(mut session) = begun {
            let mut unheard = Vec::new();
            let respond = session.respond(message, &mut unheard);
            self.hush(respond, &mut session, &mut unheard, 0);
            self.following = Some(session);
        }
    }

    /// A session right behind the login; `None` where the account has no room for one.
    pub(super) fn new_session(&mut self) -> Option<Session> {
        let parameters = self.machine.parameters()?;
        // It holds more than what comes of it, and for as long as it is there.
        self.machine.forget_startup();
        self.startup_held = None;
        Session::new(parameters, self.core.query_number, self.account.clone()).ok()
    }

    /// Forgets an answer, but for what it says of the cell's query.
    pub(super) fn hush(
        &self,
        mut respond: Respond,
        session: &mut Session,
        answer: &mut Vec<u8>,
        before: usize,
    ) {
        loop {
            if let Some(number) = respond.query_seen {
                self.enter_query(number);
            }
            answer.truncate(before);
            if respond.flow != Flow::More {
                return;
            }
            respond = session.proceed(answer);
        }
    }

    pub(super) fn enter_query(&self, number: i64) {
        self.enter(Sender::Client, 0, EntryKind::Query(format!("SELECT {number}")));
    }
}
