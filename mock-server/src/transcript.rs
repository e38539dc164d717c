//! The transcript: every message both ways, with its time, its size and whether it was encrypted.

use std::{borrow::Cow, fmt, time::Duration};

use pgtls_harness::Recording;
use serde::{Deserialize, Serialize};

use crate::trace::{Event, Trace};

/// What the server saw of one client call: the trace, and the transcript behind it.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Observation {
    /// The condensed view.
    pub trace: Trace,
    /// The fine view, a list of entries for each connection in the order of acceptance.
    pub connections: Vec<Connection>,
    /// How many connections are forgotten, so that neither view holds them: those before the
    /// newest (see [`Builder::history`](crate::Builder::history)), and those whose transcripts held
    /// more than there was room for (see [`Builder::memory`](crate::Builder::memory)).
    pub forgotten: u64,
}

/// One TCP connection.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Connection {
    /// When it was accepted, since the server's start.
    pub accepted: Duration,
    /// What happened on it, in order: the first 10,000 entries in at most 1 MiB, and up to 100,000
    /// of those that verdicts rest on (see [`EntryKind::is_fact`]); both as long as the connection has
    /// [memory](crate::Builder::connection_memory).
    pub entries: Vec<Entry>,
    /// How many entries, or parts of them (parameters of a StartupMessage beyond the first 64,
    /// protocols of a ClientHello beyond the first 32), were not kept.
    pub forgotten: u64,
    /// The TLS session, from the ClientHello on.
    pub tls: Option<TlsFacts>,
    /// The first bytes that the client sent unencrypted and outside of TLS records
    /// (at most 64 KiB), for finding secrets in them.
    pub clear_from_client: Vec<u8>,
    /// How many such bytes came after those, and were not kept.
    pub clear_forgotten: u64,
    /// The bytes as they passed, where the server was told to keep them.
    pub recording: Recording,
    /// The salts that the server sent, for recognising what was computed with them.
    pub challenges: Vec<Challenge>,
}

/// A value that a password's proof is computed with.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Challenge {
    /// The salt of AuthenticationMD5Password.
    Md5Salt([u8; 4]),
    /// The salt and the iterations of SCRAM.
    ScramSalt(Vec<u8>, u32),
}

/// What a TLS handshake showed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TlsFacts {
    /// The ClientHello's server_name.
    pub sni: Option<String>,
    /// The protocols that the ClientHello offered by ALPN.
    pub alpn_offered: Vec<String>,
    /// The versions that the ClientHello offered, such as `TLSv1.3`.
    pub versions_offered: Vec<String>,
    /// The version agreed on, once the handshake is complete.
    pub version: Option<String>,
    /// The cipher suite agreed on, by its IANA name.
    pub cipher: Option<String>,
    /// The ALPN protocol agreed on.
    pub alpn: Option<String>,
    /// The server's side completed the handshake.
    pub complete: bool,
}

/// Who sent something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sender {
    /// The client.
    Client,
    /// The server.
    Server,
}

/// One line of the transcript.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Entry {
    /// Since the server's start.
    pub at: Duration,
    /// Who sent it.
    pub sender: Sender,
    /// Whether it travelled inside TLS.
    pub encrypted: bool,
    /// Its size in bytes, inside TLS if it travelled there.
    pub size: usize,
    /// What it was.
    pub what: EntryKind,
}

/// What an entry is about.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntryKind {
    /// An event of the trace.
    Event(Event),
    /// SSLRequest.
    SslRequest,
    /// GSSENCRequest.
    GssEncRequest,
    /// The server's single byte in answer to either.
    NegotiationByte(u8),
    /// CancelRequest.
    CancelRequest,
    /// A ClientHello; its facts stand in [`Connection::tls`].
    ClientHello,
    /// The handshake completed on the server's side.
    HandshakeComplete,
    /// The handshake failed on the server's side, and how.
    HandshakeFailed(String),
    /// The TLS session broke after its handshake, and how: what the client sends cannot be read.
    SessionBroken(String),
    /// A TLS alert, such as `fatal unknown_ca`.
    Alert(String),
    /// StartupMessage: protocol version (major, minor) and parameters.
    Startup {
        /// Such as (3, 0).
        protocol: (u16, u16),
        /// `user`, `database`, `application_name`, …
        parameters: Vec<(String, String)>,
    },
    /// The client's proof: PasswordMessage, SASLInitialResponse or SASLResponse.
    Proof(Proof),
    /// Any other message of the client after StartupMessage: its tag, its name, a summary.
    Frontend {
        /// The message's type byte.
        tag: u8,
        /// Its name in the protocol's documentation.
        name: &'static str,
        /// A few words on its content.
        summary: String,
    },
    /// A message of the server: its tag, its name, a summary.
    Backend {
        /// The message's type byte.
        tag: u8,
        /// Its name in the protocol's documentation.
        name: &'static str,
        /// A few words on its content.
        summary: String,
    },
    /// AuthenticationSASLFinal, by which the server shows that it knows the password too.
    ServerSignature {
        /// Whether it does: what it sends is the signature of this exchange.
        right: bool,
    },
    /// The cell's query, which decides the outcome.
    Query(String),
    /// Any message but the one that the login asked for, behind an injected login; in clear where the
    /// client got an `S` and goes on without TLS.
    OutOfTurn(String),
    /// Bytes that are wrong on purpose.
    Hostile(Cow<'static, str>),
    /// Bytes that are no message.
    Junk(Vec<u8>),
    /// The sender closed its side in good order.
    Closed,
    /// The sender reset the connection.
    Reset,
    /// The server's deadline for the connection passed.
    TimedOut,
    /// The server itself failed, which is a fault of this program: nothing follows from what is
    /// missing in the transcript.
    ServerFailed,
}

impl Observation {
    /// What was seen on these connections and no others; the trace is empty.
    #[must_use]
    pub fn of(connections: Vec<Connection>) -> Self {
        Self { connections, ..Self::default() }
    }
}

impl Connection {
    /// A connection with these entries, accepted at the server's start.
    #[must_use]
    pub fn of(entries: Vec<Entry>) -> Self {
        Self { entries, ..Self::default() }
    }
}

impl Entry {
    /// An entry of no size at the server's start.
    #[must_use]
    pub const fn new(sender: Sender, encrypted: bool, what: EntryKind) -> Self {
        Self { at: Duration::ZERO, sender, encrypted, size: 0, what }
    }
}

impl EntryKind {
    /// Whether a trace or a verdict may rest on it: an event, or something that the client should
    /// or should not have sent. The rest is there to be read.
    #[must_use]
    pub const fn is_fact(&self) -> bool {
        match self {
            Self::Event(_)
            | Self::CancelRequest
            | Self::Startup { .. }
            | Self::Proof(_)
            | Self::ServerSignature { .. }
            | Self::Query(_)
            | Self::OutOfTurn(_)
            | Self::Closed
            | Self::Reset
            | Self::TimedOut
            | Self::ServerFailed => true,
            // What the server says of itself behind it comes too late.
            Self::Backend { name, .. } => matches!(name.as_bytes(), b"AuthenticationOk"),
            _ => false,
        }
    }
}

/// How a client proved who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Proof {
    /// A cleartext password; whether it is the right one.
    Password {
        /// Whether it is the expected password.
        right: bool,
    },
    /// An MD5 response; whether it is the right one.
    Md5 {
        /// Whether it fits the expected password.
        right: bool,
    },
    /// SASLInitialResponse: nothing in it is computed from the password.
    SaslInitial {
        /// SCRAM-SHA-256-PLUS was chosen.
        plus: bool,
    },
    /// The SCRAM client-final-message, with its proof.
    SaslFinal {
        /// SCRAM-SHA-256-PLUS was the mechanism.
        plus: bool,
        /// Under SCRAM-SHA-256-PLUS, with the right binding.
        bound: bool,
        /// Whether it fits the expected password.
        right: bool,
    },
}

impl Proof {
    /// Whether the message holds the password or anything computed from it.
    #[must_use]
    pub const fn reveals(self) -> bool {
        !matches!(self, Self::SaslInitial { .. })
    }
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Client => "client",
            Self::Server => "server",
        })
    }
}
