//! The machine's state: a connection's script, and where it stands.

use std::sync::Arc;

use super::{
    action::{Note, Part},
    cursor::Cursor,
    proof::Exchange,
};
use crate::{
    protocol::startup::StartupMessage,
    script::{Case, Conversation, Editor, Expected, Step, Tls},
    session::Parameters,
};

/// A connection's script, and where it stands.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(super) conversation: Arc<Conversation>,
    /// How the server's `ssl` parameter reads.
    pub(super) offers_tls: bool,
    pub(super) cursor: Cursor,
    pub(super) section: Section,
    pub(super) awaited: Awaited,
    pub(super) notes: Vec<Note>,

    /// Nothing came before.
    pub(super) fresh: bool,
    pub(super) ssl_done: bool,
    pub(super) gss_done: bool,
    /// The section's first answer was sent.
    pub(super) answered: bool,
    /// The client was told to begin TLS, or began by itself.
    pub(super) tls_begun: bool,
    /// By itself.
    pub(super) direct: bool,
    /// The direct TLS has come to something, or to nothing.
    pub(super) direct_decided: bool,
    pub(super) encrypted: bool,
    /// A login's end was sent where none had begun.
    pub(super) injected: bool,

    pub(super) startup: Option<StartupMessage>,
    pub(super) exchange: Exchange,
    /// NegotiateProtocolVersion, which goes with whatever is sent first.
    pub(super) first_in_login: Vec<Part>,
    /// The client, behind an injected login, spoke before it was asked.
    pub(super) spoke_unasked: Option<bool>,
    /// Whether the login succeeded or was rejected.
    pub(super) decided: Option<bool>,
    /// A segment that waits for the verifier, and SCRAM's first message of the server in it.
    pub(super) held: Option<(Vec<Part>, String)>,
    pub(super) parameters: Option<Parameters>,
    pub(super) editor: Editor,
}

/// What the steps stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
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
pub(super) enum Awaited {
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

    /// The TLS that handshakes offer.
    pub(crate) fn tls(&self) -> Tls {
        self.conversation.tls
    }

    /// Whether the login has succeeded.
    pub(crate) fn is_logged_in(&self) -> bool {
        self.decided == Some(true)
    }

    /// Whether a login's end was sent where none had begun.
    pub(crate) const fn has_injected(&self) -> bool {
        self.injected
    }

    /// Whether the script edits what the honest server sends.
    pub(crate) fn edits(&self) -> bool {
        !self.editor.is_idle()
    }

    /// The parameters of the session to come.
    pub(crate) fn parameters(&mut self) -> Option<Parameters> {
        let parameters = self.parameters.take();
        parameters.or_else(|| Some(Parameters::new(self.startup.as_ref()?, self.offers_tls)))
    }

    /// Forgets StartupMessage, which holds more than what came of it.
    pub(crate) fn forget_startup(&mut self) {
        if self.startup.is_some() {
            self.startup = Some(StartupMessage::empty());
        }
    }
}
