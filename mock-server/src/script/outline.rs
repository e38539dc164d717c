//! The outline: what can be read off a script without running it. Who predicts what a client will
//! do, or has to prepare what a server needs, reads it here.

use super::{
    language::{Condition, Conversation, Expected, Script, Step, Tls},
    segment::Content,
};
use crate::{protocol::message::BackendMessage, trace::Event};

/// What a server does on one connection, as far as the steps say it by themselves.
#[derive(Debug, Clone, Copy)]
pub struct Outline<'a>(pub(super) Option<&'a Conversation>);

/// What the first answer to SSLRequest comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// `S`.
    Accepted {
        /// Session data came in plaintext in the same segment.
        injected: bool,
    },
    /// `N`.
    Refused {
        /// The same.
        injected: bool,
    },
    /// ErrorResponse.
    Error,
    /// A byte that is none of them.
    Other,
    /// None: the connection ends, or stays silent.
    Nothing,
}

/// What becomes of a ClientHello.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Handshake {
    /// It is answered honestly.
    Honest,
    /// Something else comes, or the connection ends.
    Broken,
    /// Nothing comes.
    Silent,
}

/// What a StartupMessage leads to, as far as the server decides it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Login {
    /// It is rejected.
    Rejected,
    /// It succeeds without the client's doing.
    Granted,
    /// A proof is asked for.
    Asks(Asked),
}

/// The proof that a server asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Asked {
    /// The password, or its MD5.
    Password,
    /// A SASL exchange by one of these mechanisms.
    Sasl(Vec<String>),
    /// Another one.
    Other,
}

impl Script {
    /// What the server does on a connection before which so many were accepted.
    #[must_use]
    pub fn outline(&self, number: u64) -> Outline<'_> {
        Outline(self.on_connection(number))
    }
}

impl Conversation {
    /// What the server does, as far as the steps say it.
    pub(crate) const fn outline(&self) -> Outline<'_> {
        Outline(Some(self))
    }
}

impl Answer {
    /// The event that the answer is logged as.
    #[must_use]
    pub const fn event(self) -> Option<Event> {
        match self {
            Self::Accepted { .. } => Some(Event::SslAccept),
            Self::Refused { .. } | Self::Other => Some(Event::SslReject),
            Self::Error => Some(Event::BackendError),
            Self::Nothing => None,
        }
    }

    /// What a segment is as an answer to SSLRequest, and as one to GSSENCRequest, but for the letter.
    pub(crate) fn of(segment: &[Content]) -> Self {
        let injected = segment.iter().any(Content::ends_login);
        match segment.first() {
            None => Self::Nothing,
            Some(Content::Message(BackendMessage::ErrorResponse(_))) => Self::Error,
            Some(Content::Raw(raw)) => match raw.bytes().first() {
                Some(b'S') => Self::Accepted { injected },
                Some(b'N') => Self::Refused { injected },
                Some(b'E') => Self::Error,
                _ => Self::Other,
            },
            Some(_) => Self::Other,
        }
    }
}

impl Content {
    /// Whether a client may take it for the end of a login: AuthenticationOk.
    pub(crate) fn ends_login(&self) -> bool {
        match self {
            Self::Welcome | Self::Message(BackendMessage::AuthenticationOk(_)) => true,
            Self::Repeat(repeated) => repeated.contents.iter().any(Self::ends_login),
            _ => false,
        }
    }

    /// The proof that it asks for, if it asks for one.
    fn asked(&self) -> Option<Asked> {
        let message = match self {
            Self::Message(message) => message,
            Self::Repeat(repeated) => return repeated.contents.iter().find_map(Self::asked),
            _ => return None,
        };
        Some(match message {
            BackendMessage::AuthenticationCleartextPassword(_)
            | BackendMessage::AuthenticationMd5Password(_) => Asked::Password,
            BackendMessage::AuthenticationSasl(sasl) => Asked::Sasl(
                sasl.mechanisms
                    .iter()
                    .map(|name| String::from_utf8_lossy(&name.0).into_owned())
                    .collect(),
            ),
            BackendMessage::AuthenticationSaslContinue(_)
            | BackendMessage::AuthenticationGss(_)
            | BackendMessage::AuthenticationGssContinue(_)
            | BackendMessage::AuthenticationSspi(_)
            | BackendMessage::AuthenticationKerberosV5(_) => Asked::Other,
            _ => return None,
        })
    }

    /// Whether it asks for a proof.
    pub(crate) fn asks_for_proof(&self) -> bool {
        self.asked().is_some()
    }
}

impl<'a> Outline<'a> {
    fn ssl_request(self) -> &'a [Step] {
        self.0.map_or(&[], |conversation| &conversation.ssl_request)
    }

    /// The TLS that a handshake offers.
    #[must_use]
    pub fn tls(self) -> Tls {
        self.0.map(|conversation| conversation.tls).unwrap_or_default()
    }

    /// The first answer to SSLRequest.
    #[must_use]
    pub fn answer_to_ssl_request(self) -> Answer {
        if self.0.is_none() {
            return Answer::Accepted { injected: false };
        }
        match first_deed(self.ssl_request()) {
            Some((Step::Send(segment), _)) => Answer::of(segment),
            _ => Answer::Nothing,
        }
    }

    /// What becomes of the ClientHello behind `S`.
    #[must_use]
    pub fn handshake(self) -> Handshake {
        if self.0.is_none() {
            return Handshake::Honest;
        }
        match first_deed(self.ssl_request()) {
            Some((Step::Send(_), rest)) => handshake(rest),
            other => handshake(other.map_or(&[], |(_, rest)| rest)),
        }
    }

    /// What becomes of a ClientHello without SSLRequest.
    #[must_use]
    pub fn direct_handshake(self) -> Handshake {
        self.0.map_or(Handshake::Honest, |conversation| handshake(&conversation.client_hello))
    }

    /// Whether an ErrorResponse answers a ClientHello without SSLRequest.
    #[must_use]
    pub fn answers_client_hello_by_error(self) -> bool {
        let steps: &[Step] = self.0.map_or(&[], |conversation| &conversation.client_hello);
        matches!(first_deed(steps), Some((Step::Send(segment), _)) if Answer::of(segment) == Answer::Error)
    }

    /// What a StartupMessage leads to, inside TLS or not, from a client with the right certificate or
    /// without.
    #[must_use]
    pub fn login(self, encrypted: bool, certificate: bool) -> Login {
        let asks = || Login::Asks(Asked::Password);
        let Some(conversation) = self.0 else { return asks() };
        let client = Client { encrypted, certificate };
        login(&conversation.startup, client).unwrap_or(Login::Rejected)
    }

    /// Whether it ever comes to an honest handshake, for which there must be a certificate.
    #[must_use]
    pub fn shakes_hands(self) -> bool {
        self.0.is_none_or(|conversation| {
            let sections = conversation.sections();
            sections.iter().any(|(_, steps)| any(steps, &|step| matches!(step, Step::Handshake)))
        })
    }

    /// Whether the server has TLS, as it says of itself.
    #[must_use]
    pub fn offers_tls(self) -> bool {
        !matches!(self.answer_to_ssl_request(), Answer::Refused { .. })
    }

    /// Whether session data comes in plaintext before any login.
    #[must_use]
    pub fn injects(self) -> bool {
        let injects = |step: &Step| match step {
            Step::Send(segment) => segment.iter().any(Content::ends_login),
            _ => false,
        };
        self.0.is_some_and(|conversation| {
            [&conversation.accept, &conversation.ssl_request, &conversation.gssenc_request]
                .into_iter()
                .any(|steps| any(steps, &injects))
        })
    }

    /// Whether the client is left without a word, in answer to SSLRequest or to its ClientHello.
    #[must_use]
    pub fn falls_silent(self) -> bool {
        let silent = |step: &Step| matches!(step, Step::Silence);
        self.0.is_some_and(|conversation| {
            let sections = conversation.sections();
            sections.iter().any(|(_, steps)| any(steps, &silent))
        })
    }
}

/// What of a client decides a login before any proof.
#[derive(Clone, Copy)]
struct Client {
    encrypted: bool,
    certificate: bool,
}

/// What the first steps that decide it make of a login.
fn login(steps: &[Step], client: Client) -> Option<Login> {
    steps.iter().find_map(|step| match step {
        Step::Send(contents) => contents.iter().find_map(|content| match content {
            content if content.ends_login() => Some(Login::Granted),
            Content::Message(BackendMessage::ErrorResponse(_)) => Some(Login::Rejected),
            content => content.asked().map(Login::Asks),
        }),
        Step::Expect(Expected::ClientCertificate) if !client.certificate => Some(Login::Rejected),
        Step::If(branch) => {
            let holds = match branch.is {
                Condition::Encrypted => client.encrypted,
                Condition::Plaintext => !client.encrypted,
                _ => false,
            };
            login(if holds { &branch.then } else { &branch.otherwise }, client)
        }
        Step::Repeat(repeat) if repeat.times > 0 => login(&repeat.steps, client),
        Step::Reject(_) | Step::Close | Step::Reset | Step::Silence => Some(Login::Rejected),
        _ => None,
    })
}

/// The first step that a client sees something of, and those behind it.
fn first_deed(steps: &[Step]) -> Option<(&Step, &[Step])> {
    let index = steps.iter().position(|step| !matches!(step, Step::Wait(_)))?;
    Some((&steps[index], &steps[index + 1..]))
}

fn handshake(steps: &[Step]) -> Handshake {
    match first_deed(steps) {
        Some((Step::Handshake, _)) => Handshake::Honest,
        Some((Step::Silence, _)) => Handshake::Silent,
        _ => Handshake::Broken,
    }
}

/// Whether such a step stands anywhere.
fn any(steps: &[Step], wanted: &impl Fn(&Step) -> bool) -> bool {
    steps.iter().any(|step| {
        wanted(step)
            || match step {
                Step::Repeat(repeat) => any(&repeat.steps, wanted),
                Step::If(branch) => any(&branch.then, wanted) || any(&branch.otherwise, wanted),
                Step::Receive(cases) => cases.iter().any(|case| any(&case.steps, wanted)),
                _ => false,
            }
    })
}
