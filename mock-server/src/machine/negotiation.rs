//! What comes before the login: which first packets may come when, and how the trace tells what
//! became of them.

use super::{
    action::{Action, Input, Note, World},
    state::{Awaited, Machine, Section},
};
use crate::{
    protocol::{report::Report, startup::Packet},
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
