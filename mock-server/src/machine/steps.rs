//! Steps: what each one has the machine do, up to the next action.

use std::time::Duration;

use super::{
    action::{Action, World},
    state::{Awaited, Machine, Section},
};
use crate::{
    protocol::report::Report,
    script::{Branch, Condition, Content, Expected, Step, Steps, Wait},
};

/// How many steps may do nothing, one behind the other: far more than a script has that is meant, and
/// done in a few milliseconds.
const MOST_IDLE_STEPS: u32 = 100_000;

impl Machine {
    /// Begins a section.
    pub(super) fn start(&mut self, section: Section, steps: Steps, world: &World<'_>) -> Action {
        self.section = section;
        self.answered = false;
        self.cursor.start(steps);
        self.run(world)
    }

    /// Does steps until one is an action.
    pub(super) fn run(&mut self, world: &World<'_>) -> Action {
        for _ in 0..MOST_IDLE_STEPS {
            let Some(step) = self.cursor.next() else { return self.end_of_section() };
            if let Some(action) = self.perform(step, world) {
                return action;
            }
        }
        tracing::warn!(steps = MOST_IDLE_STEPS, "the script does nothing, over and over: closing");
        self.leave();
        Action::Close
    }

    /// Does a step; `None` if there is nothing to do but the next one.
    pub(super) fn perform(&mut self, step: Step, world: &World<'_>) -> Option<Action> {
        match step {
            Step::Send(ref contents) => {
                let asks = contents.iter().any(Content::asks_for_proof);
                if self.section == Section::Login
                    && self.injected
                    && asks
                    && self.spoke_unasked.is_none()
                {
                    self.awaited = Awaited::HeadStart(step);
                    return Some(Action::HeadStart);
                }
                return Some(self.send(contents, world));
            }
            Step::Repeat(repeat) => self.cursor.enter(repeat.steps, repeat.times),
            Step::If(branch) => self.choose(branch),
            Step::Wait(wait) => return Some(self.wait(wait)),
            Step::Handshake if self.encrypted => {
                tracing::debug!("a second handshake is left out");
            }
            Step::KeyUpdate if self.encrypted => return Some(Action::UpdateKeys),
            Step::KeyUpdate => {}
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

    pub(super) fn reject(&mut self, report: Report) -> Action {
        self.decide(false);
        Action::Reject(std::mem::take(&mut self.first_in_login), report)
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
