//! The login: what begins with StartupMessage.

use super::{
    action::{Action, Input, Note, Part, World},
    proof::{Exchange, Judged, NEWEST_PROTOCOL, Verdict, refusal},
    state::{Awaited, Machine, Section},
};
use crate::{
    describe,
    protocol::{
        backend::{self, AuthenticationCode},
        frontend::Message,
        report::Report,
        startup::StartupMessage,
    },
    script::{Expected, Step, Steps},
    trace::Event,
};

impl Machine {
    pub(super) fn log_in(&mut self, startup: StartupMessage, world: &World<'_>) -> Action {
        self.notes.push(Note::UntilDecided(Event::AuthQuit));
        self.exchange = Exchange::new(&startup);
        self.first_in_login = version_negotiation(&startup).into_iter().collect();
        self.section = Section::Login;
        let refusal = world.refusal.clone().or_else(|| refusal(&startup));
        self.startup = Some(startup);
        match refusal {
            Some(report) => self.reject(report),
            None => self.start(Section::Login, self.conversation.startup.clone(), world),
        }
    }

    /// Takes what came where a proof was awaited. Who sends Terminate before it was asked for anything
    /// does so because it takes an injected login for its own.
    pub(super) fn proof(
        &mut self,
        expected: Expected,
        input: Input<'_>,
        world: &World<'_>,
    ) -> Action {
        let message = match input {
            Input::Message(Message::Terminate) if self.spoke_unasked != Some(true) => {
                self.notes.push(Note::Message);
                return Action::Close;
            }
            Input::Message(message) => message,
            Input::Broken(words) => return self.reject(Report::fatal("08P01", words)),
            _ => return Action::Close,
        };
        let Judged { proof, verdict } = self.exchange.judge(expected, message, world);
        self.notes.push(match proof {
            Some(proof) => Note::Proof(proof),
            None if self.injected => Note::OutOfTurn,
            None => Note::Message,
        });
        match verdict {
            Verdict::Right => self.run(world),
            Verdict::Wrong(report) => self.reject(report),
            Verdict::AskForMore => {
                let mut bytes = Vec::new();
                backend::authentication_request(&mut bytes, AuthenticationCode::SaslContinue, b"");
                let kind = describe::message(&bytes);
                self.cursor.enter(Steps::from(vec![Step::Expect(expected)]), 1);
                self.awaited = Awaited::Step;
                Action::Send(vec![Part { bytes, kind }])
            }
        }
    }

    /// Whether a message of the session is answered by steps.
    pub(crate) fn reacts_to(&self, message: &Message) -> bool {
        self.conversation.session.iter().any(|case| case.on.fits(message.tag()))
    }

    /// Goes to the steps that answer this message of the session.
    pub(crate) fn react(&mut self, message: &Message) {
        let mut cases = self.conversation.session.iter();
        if let Some(case) = cases.find(|case| case.on.fits(message.tag())) {
            self.section = Section::Session;
            self.cursor.start(case.steps.clone());
            self.awaited = Awaited::Step;
        }
    }
}

/// NegotiateProtocolVersion, where the client asks for more than there is.
fn version_negotiation(startup: &StartupMessage) -> Option<Part> {
    let unknown: Vec<&str> = startup
        .parameters()
        .map(|(name, _)| name)
        .filter(|name| name.starts_with("_pq_."))
        .collect();
    let (major, _) = NEWEST_PROTOCOL;
    let asks_for_more = startup.protocol > NEWEST_PROTOCOL || !unknown.is_empty();
    if startup.protocol.0 != major || !asks_for_more {
        return None;
    }
    let mut bytes = Vec::new();
    let version = startup.protocol.min(NEWEST_PROTOCOL);
    backend::negotiate_protocol_version(&mut bytes, version, &unknown);
    let kind = describe::message(&bytes);
    Some(Part { bytes, kind })
}
