//! The machine that runs every script: a value, which takes what came and says what to do.
//!
//! It keeps to PostgreSQL's own rules where a script says nothing, enters the trace's events by what
//! is sent and what comes, and touches neither socket nor clock: `connection/` does.

pub(crate) mod action;
mod cursor;
mod login;
mod negotiation;
mod proof;
pub(crate) mod segment;
mod template;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use self::{
    action::{Action, Input, Note, Part, Turn, World},
    cursor::Cursor,
    proof::Exchange,
};
use crate::{
    protocol::startup::StartupMessage,
    script::{Branch, Case, Condition, Conversation, Editor, Expected, Piece, Step, Steps, Wait},
    session::Parameters,
    trace::Event,
};

/// A connection's script, and where it stands.
#[derive(Debug)]
pub(crate) struct Machine {
    conversation: Arc<Conversation>,
    /// How the server's `ssl` parameter reads.
    offers_tls: bool,
    cursor: Cursor,
    section: Section,
    awaited: Awaited,
    notes: Vec<Note>,

    /// Nothing came before.
    fresh: bool,
    ssl_done: bool,
    gss_done: bool,
    /// The section's first answer was sent.
    answered: bool,
    /// The client was told to begin TLS, or began by itself.
    tls_begun: bool,
    /// By itself.
    direct: bool,
    /// The direct TLS has come to something, or to nothing.
    direct_decided: bool,
    encrypted: bool,
    /// A login's end was sent where none had begun.
    injected: bool,

    startup: Option<StartupMessage>,
    exchange: Exchange,
    /// NegotiateProtocolVersion, which goes with whatever is sent first.
    first_in_login: Vec<Part>,
    /// The client, behind an injected login, spoke before it was asked.
    spoke_unasked: Option<bool>,
    /// Whether the login succeeded or was rejected.
    decided: Option<bool>,
    /// A segment that waits for the verifier, and SCRAM's first message of the server in it.
    held: Option<(Vec<Part>, String)>,
    parameters: Option<Parameters>,
    editor: Editor,
}

/// What the steps stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Accept,
    SslRequest,
    GssEncRequest,
    ClientHello,
    CancelRequest,
    Login,
    Session,
}

/// What the machine waits for.
#[derive(Debug)]
enum Awaited {
    /// The last action's end; then the next step.
    Step,
    FirstPacket,
    /// The ClientHello of a client that began TLS by itself.
    DirectHello,
    /// A handshake's end.
    Handshake,
    Proof(Expected),
    Message(Vec<Case>),
    /// Whether the client speaks unasked; then the step again.
    HeadStart(Step),
    Verifier,
}

impl Machine {
    /// The machine of a connection that was accepted now.
    pub(crate) fn new(conversation: Arc<Conversation>, offers_tls: bool) -> Self {
        let editor = Editor::new(&conversation.edits);
        let mut cursor = Cursor::default();
        cursor.start(conversation.accept.clone());
        Self {
            conversation,
            offers_tls,
            cursor,
            section: Section::Accept,
            awaited: Awaited::Step,
            notes: Vec::new(),
            fresh: true,
            ssl_done: false,
            gss_done: false,
            answered: false,
            tls_begun: false,
            direct: false,
            direct_decided: false,
            encrypted: false,
            injected: false,
            startup: None,
            exchange: Exchange::default(),
            first_in_login: Vec::new(),
            spoke_unasked: None,
            decided: None,
            held: None,
            parameters: None,
            editor,
        }
    }

    /// Whether a login's end was sent where none had begun.
    pub(crate) const fn has_injected(&self) -> bool {
        self.injected
    }

    /// Whether the script edits what the honest server sends.
    pub(crate) fn edits(&self) -> bool {
        !self.editor.is_idle()
    }

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

    /// Begins a section.
    fn start(&mut self, section: Section, steps: Steps, world: &World<'_>) -> Action {
        self.section = section;
        self.answered = false;
        self.cursor.start(steps);
        self.run(world)
    }

    /// Does steps until one is an action.
    fn run(&mut self, world: &World<'_>) -> Action {
        loop {
            let Some(step) = self.cursor.next() else { return self.end_of_section() };
            if let Some(action) = self.perform(step, world) {
                return action;
            }
        }
    }

    /// Does a step; `None` if there is nothing to do but the next one.
    fn perform(&mut self, step: Step, world: &World<'_>) -> Option<Action> {
        match step {
            Step::Send(ref pieces) => {
                let asks = pieces.iter().any(Piece::asks_for_proof);
                if self.section == Section::Login
                    && self.injected
                    && asks
                    && self.spoke_unasked.is_none()
                {
                    self.awaited = Awaited::HeadStart(step);
                    return Some(Action::HeadStart);
                }
                return Some(self.send(pieces, world));
            }
            Step::Repeat(repeat) => self.cursor.enter(repeat.steps, repeat.times),
            Step::If(branch) => self.choose(branch),
            Step::Wait(wait) => return Some(self.wait(wait)),
            Step::Handshake if self.encrypted => {
                tracing::debug!("a second handshake is left out");
            }
            Step::Handshake => {
                self.tls_begun = true;
                self.awaited = Awaited::Handshake;
                return Some(Action::Handshake);
            }
            Step::Expect(Expected::ClientCertificate) => {
                if let Some(report) = self.exchange.client_certificate(world) {
                    return Some(self.reject(report));
                }
            }
            Step::Expect(expected) => {
                self.awaited = Awaited::Proof(expected);
                return Some(Action::AwaitMessage);
            }
            Step::Reject(_) => {
                let report = self.exchange.no_pg_hba_entry(world);
                return Some(self.reject(report));
            }
            Step::Receive(cases) => {
                self.awaited = Awaited::Message(cases);
                return Some(Action::AwaitMessage);
            }
            Step::Close => {
                self.leave();
                return Some(Action::Close);
            }
            Step::Reset => {
                self.leave();
                return Some(Action::Reset);
            }
            Step::Silence => {
                self.direct_came_to_nothing();
                let listening = !self.tls_begun && self.startup.is_none();
                return Some(Action::Silence { listening });
            }
        }
        None
    }

    fn choose(&mut self, branch: Branch) {
        let holds = match branch.is {
            Condition::Encrypted => self.encrypted,
            Condition::Plaintext => !self.encrypted,
            Condition::Direct => self.direct,
            Condition::Plus => self.exchange.plus,
            Condition::Parameter(name) => {
                self.startup.as_ref().is_some_and(|startup| startup.parameter(&name).is_some())
            }
        };
        self.cursor.enter(if holds { branch.then } else { branch.otherwise }, 1);
    }

    fn wait(&mut self, wait: Wait) -> Action {
        let before_login = self.startup.is_none();
        match wait {
            Wait::Milliseconds(count) => Action::Wait(Duration::from_millis(count)),
            Wait::Byte | Wait::ClientHello if self.encrypted || !before_login => {
                Action::AwaitByte { of_tls: false }
            }
            Wait::Byte => {
                let of_tls = self.answered;
                self.tls_begun |= of_tls;
                Action::AwaitByte { of_tls }
            }
            Wait::ClientHello => {
                self.tls_begun = true;
                Action::AwaitClientHello
            }
        }
    }

    /// The server ends the connection.
    fn leave(&mut self) {
        self.direct_came_to_nothing();
        if self.startup.is_some() && self.decided.is_none() {
            self.decide(false);
        }
    }

    fn decide(&mut self, success: bool) {
        if self.decided.is_none() {
            self.decided = Some(success);
            self.event(if success { Event::AuthOk } else { Event::AuthFail });
        }
    }

    fn event(&mut self, event: Event) {
        self.notes.push(Note::Event(event));
    }

    /// Behind the last step of a section.
    fn end_of_section(&mut self) -> Action {
        match self.section {
            Section::Accept
            | Section::SslRequest
            | Section::GssEncRequest
            | Section::ClientHello => {
                let again = !self.encrypted && self.section != Section::Accept;
                self.awaited = Awaited::FirstPacket;
                Action::AwaitFirstPacket { again }
            }
            Section::Login if self.decided == Some(true) => Action::Session,
            Section::Session => Action::Session,
            Section::Login | Section::CancelRequest => {
                self.leave();
                Action::Close
            }
        }
    }
}
