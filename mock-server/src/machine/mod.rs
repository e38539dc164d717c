//! The machine that runs every script: a value, which takes what came and says what to do.
//!
//! It keeps to PostgreSQL's own rules where a script says nothing, enters the trace's events by what
//! is sent and what comes, and touches neither socket nor clock: `connection/` does.

pub(crate) mod action;
mod cursor;
mod events;
mod login;
mod negotiation;
mod proof;
pub(crate) mod segment;
mod state;
mod steps;
mod template;
#[cfg(test)]
mod tests;

pub(crate) use self::state::Machine;
use self::{
    action::{Action, Input, Note, Turn, World},
    state::{Awaited, Section},
};

impl Machine {
    /// Takes what came of the last action, and says what to do next.
    pub(crate) fn advance(&mut self, input: Input<'_>, world: &World<'_>) -> Turn {
        let action = self.take(input, world);
        Turn { enter: std::mem::take(&mut self.notes), action }
    }

    fn take(&mut self, input: Input<'_>, world: &World<'_>) -> Action {
        match (std::mem::replace(&mut self.awaited, Awaited::Step), input) {
            (Awaited::FirstPacket, input) => self.first_packet(input, world),
            (Awaited::DirectHello, _) => {
                self.start(Section::ClientHello, self.conversation.client_hello.clone(), world)
            }
            (Awaited::Handshake, Input::Secured { alpn }) => self.secured(alpn, world),
            (Awaited::Handshake, _) => self.not_secured(),
            (Awaited::Proof(expected), input) => self.proof(expected, input, world),
            (Awaited::Message(cases), Input::Message(message)) => {
                self.notes.push(Note::Message);
                if let Some(case) = cases.iter().find(|case| case.on.fits(message.tag())) {
                    self.cursor.enter(case.steps.clone(), 1);
                }
                self.run(world)
            }
            (Awaited::Message(_), _) => Action::Junk(None),
            (Awaited::HeadStart(step), Input::Spoke(spoke)) => {
                self.spoke_unasked = Some(spoke);
                match self.perform(step, world) {
                    Some(action) => action,
                    None => self.run(world),
                }
            }
            (Awaited::Verifier, Input::Verifier(verifier)) => {
                let (parts, text) = self.held.take().unwrap_or_default();
                self.exchange.server_first_sent(&text, verifier);
                Action::Send(parts)
            }
            (Awaited::HeadStart(_) | Awaited::Verifier | Awaited::Step, _) => self.run(world),
        }
    }
}
