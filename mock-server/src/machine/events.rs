//! The trace's events, by what is sent and how it ends.

use super::{
    action::Note,
    state::{Machine, Section},
};
use crate::{script::outline::Answer, trace::Event};

impl Machine {
    pub(super) fn event(&mut self, event: Event) {
        self.notes.push(Note::Event(event));
    }

    /// Enters what a segment is, in answer to what began the section.
    pub(super) fn answer(&mut self, answer: Answer) {
        self.direct_came_to_nothing();
        let first = !std::mem::replace(&mut self.answered, true);
        let event = match (self.section, answer) {
            (Section::SslRequest, answer) if first => answer.event(),
            (Section::GssEncRequest, Answer::Refused { .. } | Answer::Other) if first => {
                Some(Event::GssReject)
            }
            (_, Answer::Error) => Some(Event::BackendError),
            _ => None,
        };
        if let Some(event) = event {
            self.event(event);
        }
    }

    /// A ClientHello without SSLRequest is answered by something else than a handshake.
    pub(super) fn direct_came_to_nothing(&mut self) {
        if self.direct && !self.direct_decided {
            self.direct_decided = true;
            self.event(Event::DirectSslReject);
        }
    }

    /// The server ends the connection.
    pub(super) fn leave(&mut self) {
        self.direct_came_to_nothing();
        if self.startup.is_some() && self.decided.is_none() {
            self.decide(false);
        }
    }

    pub(super) fn decide(&mut self, success: bool) {
        if self.decided.is_none() {
            self.decided = Some(success);
            self.event(if success { Event::AuthOk } else { Event::AuthFail });
        }
    }
}
