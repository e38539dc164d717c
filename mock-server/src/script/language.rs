//! The language: what a server does on the wire, as values that are JSON outside.

use std::{num::NonZeroU16, ops::Deref, sync::Arc};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{edit::Edit, schema, segment::Content};
use crate::axes::{Certificate, Key, TlsVersions};

/// Everything a server does on the wire, from accept to close.
///
/// What a script leaves out is done as an honest server does it, so `{}` is the honest server.
///
/// ```
/// use pgtls_mock_server::script::Script;
///
/// let script = Script::from_json(
///     r#"{"connections": [{}, {"ssl_request": [{"send": [{"text": "N"}]}]}]}"#,
/// )?;
/// assert_eq!(script.connections.len(), 2);
/// # Ok::<(), pgtls_mock_server::script::ScriptError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Script {
    /// What it is for, in a few words: for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// How long the server waits for the client to say something, in milliseconds; then it closes the
    /// connection in good order, wherever that stands. It is a wait of the server for anything that a
    /// client may send: a step that waits for time, or is `silence` on purpose, takes its own. None:
    /// as long as the connection may last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_timeout_ms: Option<u64>,
    /// What the server does on each connection, in the order of acceptance; as on the last one on
    /// all that follow it. None: as an honest server.
    pub connections: Vec<Conversation>,
}

/// What the server does on one connection: steps for each thing that a client may begin with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Conversation {
    /// The TLS that `handshake` offers.
    pub tls: Tls,
    /// Before anything came.
    #[serde(skip_serializing_if = "Steps::is_empty")]
    pub accept: Steps,
    /// When SSLRequest came.
    pub ssl_request: Steps,
    /// When GSSENCRequest came.
    pub gssenc_request: Steps,
    /// When a whole ClientHello came without SSLRequest.
    pub client_hello: Steps,
    /// When StartupMessage came: the login. It begins where PostgreSQL's would: the protocol's major
    /// version is 3, and there is a user.
    pub startup: Steps,
    /// When CancelRequest came.
    pub cancel_request: Steps,
    /// Behind the login: messages that are answered by steps. The honest session answers all others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub session: Vec<Case>,
    /// What becomes of the honest server's messages on their way, those of `welcome` and of the
    /// session.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<Edit>,
}

impl Conversation {
    /// The steps of each section, by the section's name in JSON.
    pub(super) fn sections(&self) -> [(&'static str, &Steps); 6] {
        [
            ("accept", &self.accept),
            ("ssl_request", &self.ssl_request),
            ("gssenc_request", &self.gssenc_request),
            ("client_hello", &self.client_hello),
            ("startup", &self.startup),
            ("cancel_request", &self.cancel_request),
        ]
    }
}

/// The TLS that a handshake offers, by the values of the server's axes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Tls {
    /// The certificate shown.
    #[schemars(schema_with = "schema::certificates")]
    pub certificate: Certificate,
    /// The keys of its chain.
    #[schemars(schema_with = "schema::keys")]
    pub key: Key,
    /// The versions spoken.
    #[schemars(schema_with = "schema::versions")]
    pub versions: TlsVersions,
    /// Whether the client is asked for a certificate.
    pub client_certificate: bool,
    /// How many session tickets follow the handshake; with any, a session may be resumed on a later
    /// connection.
    #[serde(skip_serializing_if = "is_none")]
    pub tickets: u8,
    /// The most that a TLS record carries behind the handshake, in bytes; as much as one can without
    /// this setting, and behind the connection's first 10,000 records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record_size: Option<NonZeroU16>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a field so")]
const fn is_none(count: &u8) -> bool {
    *count == 0
}

/// Steps in their order; cheap to clone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Vec<Step>", into = "Vec<Step>")]
#[schemars(with = "Vec<Step>")]
pub struct Steps(Arc<[Step]>);

impl Deref for Steps {
    type Target = [Step];

    fn deref(&self) -> &[Step] {
        &self.0
    }
}

impl From<Vec<Step>> for Steps {
    fn from(steps: Vec<Step>) -> Self {
        Self(steps.into())
    }
}

impl From<Steps> for Vec<Step> {
    fn from(steps: Steps) -> Self {
        steps.0.to_vec()
    }
}

impl FromIterator<Step> for Steps {
    fn from_iter<T: IntoIterator<Item = Step>>(steps: T) -> Self {
        steps.into_iter().collect::<Vec<_>>().into()
    }
}

impl Steps {
    /// Whether there is no step.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// One thing that the server does.
///
/// Behind a section's last step the server goes on honestly: before StartupMessage it waits for
/// another first packet, behind AuthenticationOk it serves the session, and it closes a connection
/// whose login was not decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// Sends these in one segment (as long as they fit into one TLS record).
    Send(Vec<Content>),
    /// Does the steps so often.
    Repeat(Repeat),
    /// Waits.
    Wait(Wait),
    /// TLS: from here on the connection goes on inside of it. The ClientHello is waited for.
    Handshake,
    /// New keys for what the server sends, of which it tells by KeyUpdate (RFC 8446, section 4.6.3), and
    /// asks the client for the same; nothing outside of TLS 1.3.
    KeyUpdate,
    /// Takes the client's proof; a wrong one, or none, is rejected as PostgreSQL does.
    Expect(Expected),
    /// Rejects the login as PostgreSQL does: ErrorResponse (FATAL), close.
    Reject(Rejection),
    /// Takes one of two ways.
    If(Branch),
    /// Waits for the client's next message, and does the steps of the first case that fits it; none
    /// where none fits.
    Receive(Vec<Case>),
    /// Closes in good order (FIN).
    Close,
    /// Resets the connection (RST).
    Reset,
    /// Says nothing more, and reads on.
    Silence,
}

/// Steps that are done more than once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Repeat {
    /// How often.
    pub times: u32,
    /// What.
    pub steps: Steps,
}

impl Repeat {
    /// These steps so often.
    #[must_use]
    pub const fn new(times: u32, steps: Steps) -> Self {
        Self { times, steps }
    }
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Wait {
    /// Time, whatever comes meanwhile.
    Milliseconds(u64),
    /// Anything at all from the client.
    Byte,
    /// The client's whole ClientHello.
    ClientHello,
}

/// A proof that the client is to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Expected {
    /// The password itself.
    Password,
    /// MD5, with the salt that was sent last.
    Md5,
    /// SASLInitialResponse, with SCRAM's client-first-message.
    SaslInitialResponse,
    /// SASLResponse, with SCRAM's client-final-message.
    SaslResponse,
    /// A client certificate in the user's name, shown in the handshake.
    ClientCertificate,
}

/// Why a login is rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Rejection {
    /// 28000: no pg_hba.conf entry for this client.
    NoPgHbaEntry,
}

/// A choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Branch {
    /// What is looked at.
    pub is: Condition,
    /// Where it is so.
    #[serde(default, skip_serializing_if = "Steps::is_empty")]
    pub then: Steps,
    /// Where it is not.
    #[serde(default, rename = "else", skip_serializing_if = "Steps::is_empty")]
    pub otherwise: Steps,
}

/// What a choice looks at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Condition {
    /// The connection is inside TLS.
    Encrypted,
    /// It is not.
    Plaintext,
    /// TLS began without SSLRequest.
    Direct,
    /// The client chose SCRAM-SHA-256-PLUS.
    Plus,
    /// StartupMessage has this parameter.
    Parameter(String),
}

/// Steps for a message of the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Case {
    /// Which message.
    pub on: ClientMessage,
    /// What is done about it.
    #[serde(rename = "do")]
    pub steps: Steps,
}

impl Case {
    /// These steps on this message.
    #[must_use]
    pub const fn new(on: ClientMessage, steps: Steps) -> Self {
        Self { on, steps }
    }
}

/// A message of the client, by its name in the protocol's documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names are the documentation's")]
pub enum ClientMessage {
    Bind,
    Close,
    CopyData,
    CopyDone,
    CopyFail,
    Describe,
    Execute,
    Flush,
    FunctionCall,
    Parse,
    /// PasswordMessage, SASLInitialResponse, SASLResponse or GSSResponse.
    PasswordMessage,
    Query,
    Sync,
    Terminate,
    /// Whichever comes.
    Any,
}

impl ClientMessage {
    /// Whether a message of this type byte is meant.
    pub(crate) const fn fits(self, tag: u8) -> bool {
        let wanted = match self {
            Self::Bind => b'B',
            Self::Close => b'C',
            Self::CopyData => b'd',
            Self::CopyDone => b'c',
            Self::CopyFail => b'f',
            Self::Describe => b'D',
            Self::Execute => b'E',
            Self::Flush => b'H',
            Self::FunctionCall => b'F',
            Self::Parse => b'P',
            Self::PasswordMessage => b'p',
            Self::Query => b'Q',
            Self::Sync => b'S',
            Self::Terminate => b'X',
            Self::Any => return true,
        };
        wanted == tag
    }
}

impl Script {
    /// A script of one conversation, the same on each connection.
    #[must_use]
    pub fn always(conversation: Conversation) -> Self {
        Self { connections: vec![conversation], ..Self::default() }
    }

    /// What the server does on a connection before which so many were accepted; `None` as an honest
    /// server.
    #[must_use]
    pub fn on_connection(&self, number: u64) -> Option<&Conversation> {
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        self.connections.get(number).or_else(|| self.connections.last())
    }
}
