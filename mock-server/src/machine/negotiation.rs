//! What comes before the login: which first packets may come when, and how the trace tells what
//! became of them.

use super::{
    Awaited, Machine, Section,
    action::{Action, Input, Note, World},
};
use crate::{
    protocol::{report::Report, startup::Packet},
    script::outline::Answer,
    trace::Event,
};

impl Machine {
    /// Takes a first packet, or what came in place of one.
    ///
    /// As PostgreSQL's `ProcessStartupPacket`: each kind of encryption may be asked for once, and
    /// TLS without being asked for only by the connection's very first byte.
    pub(super) fn first_packet(&mut self, input: Input<'_>, world: &World<'_>) -> Action {
        let fresh = std::mem::replace(&mut self.fresh, false);
        match input {
            Input::Packet(Packet::SslRequest) if !self.ssl_done => {
                self.ssl_done = true;
                self.start(Section::SslRequest, self.conversation.ssl_request.clone(), world)
            }
            Input::Packet(Packet::GssEncRequest) if !self.gss_done => {
                self.gss_done = true;
                self.start(Section::GssEncRequest, self.conversation.gssenc_request.clone(), world)
            }
            Input::Packet(Packet::SslRequest | Packet::GssEncRequest) => {
                self.event(Event::Junk);
                let words = "unsupported frontend protocol 1234";
                Action::Junk(Some(Report::fatal("0A000", words)))
            }
            Input::Packet(Packet::Startup(startup)) => self.log_in(startup, world),
            Input::Packet(Packet::Cancel(_)) => {
                self.event(Event::Cancel);
                let steps = self.conversation.cancel_request.clone();
                self.start(Section::CancelRequest, steps, world)
            }
            Input::TlsRecord if fresh => {
                (self.direct, self.tls_begun) = (true, true);
                self.notes.push(Note::UntilDecided(Event::DirectSslReject));
                self.awaited = Awaited::DirectHello;
                Action::AwaitClientHello
            }
            _ => {
                self.event(Event::Junk);
                Action::Junk(None)
            }
        }
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

    /// The handshake is complete: the connection goes on inside of it.
    pub(super) fn secured(&mut self, alpn: bool, world: &World<'_>) -> Action {
        self.encrypted = true;
        // No encryption can be asked for any more.
        (self.fresh, self.ssl_done, self.gss_done) = (false, true, true);
        if self.direct && !alpn {
            // As PostgreSQL: the handshake may do without ALPN, the connection may not.
            self.direct_came_to_nothing();
            return Action::Close;
        }
        if self.direct {
            self.direct_decided = true;
            self.event(Event::DirectSslAccept);
        }
        self.run(world)
    }

    pub(super) fn not_secured(&mut self) -> Action {
        self.direct_came_to_nothing();
        Action::Close
    }
}
