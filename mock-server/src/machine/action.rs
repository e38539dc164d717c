//! What goes into the machine, and what comes out of it.

use std::{net::IpAddr, sync::Arc, time::Duration};

use pgtls_harness::Seed;

use crate::{
    protocol::{frontend::Message, report::Report, startup::Packet},
    scram::Verifier,
    trace::Event,
    transcript::{Challenge, EntryKind, Proof},
};

/// What the machine is told: what came of its last action.
#[derive(Debug)]
pub(crate) enum Input<'a> {
    /// The connection was accepted; or what the action said was done.
    Done,
    /// A first packet came.
    Packet(Packet),
    /// The first byte of a TLS record came, where a first packet was awaited.
    TlsRecord,
    /// Bytes came that cannot become either.
    Neither,
    /// The handshake is complete.
    Secured {
        /// ALPN `postgresql` was agreed on.
        alpn: bool,
    },
    /// The handshake failed.
    NotSecured,
    /// A message of the client came.
    Message(&'a Message),
    /// Bytes that cannot become one, and why.
    Broken(String),
    /// What the server keeps of the password, for the iterations that were asked for.
    Verifier(Option<Arc<Verifier>>),
    /// Whether the client spoke in the time that it was given.
    Spoke(bool),
}

/// What the machine knows of the world around it.
#[derive(Debug)]
pub(crate) struct World<'a> {
    pub(crate) password: &'a str,
    /// The text that ErrorResponses in clear carry.
    pub(crate) canary: &'a str,
    /// The number of the cell's query.
    pub(crate) number: Option<i64>,
    /// Where the client comes from.
    pub(crate) client: IpAddr,
    /// The TLS session, if there is one.
    pub(crate) tls: Option<&'a TlsSession>,
    /// Where the connection's chance comes from.
    pub(crate) seed: Seed,
    /// How many connections were accepted before.
    pub(crate) connection: u64,
    /// Why the server lets nobody in, if so: it has no room.
    pub(crate) refusal: Option<Report>,
}

/// What a login may ask of the TLS session.
#[derive(Debug, Clone)]
pub(crate) struct TlsSession {
    /// The channel binding of the server's certificate.
    pub(crate) server_end_point: Option<Vec<u8>>,
    /// The common name in the client's verified certificate.
    pub(crate) client_name: Option<String>,
}

/// What to do, in this order: enter, note, act.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) enter: Vec<Note>,
    pub(crate) action: Action,
}

/// What goes into the log.
#[derive(Debug, PartialEq)]
pub(crate) enum Note {
    /// An event of the trace, now.
    Event(Event),
    /// What it will have been if the connection ends now.
    UntilDecided(Event),
    /// A salt was sent.
    Challenge(Challenge),
    /// The last message was a proof.
    Proof(Proof),
    /// It was no proof, and the login went on or ended with it.
    Message,
    /// It was none that the login asked for, behind a login that was injected.
    OutOfTurn,
}

/// What to do next.
#[derive(Debug, PartialEq)]
pub(crate) enum Action {
    /// Wait for a first packet.
    AwaitFirstPacket {
        /// One came before it in clear, and was answered.
        again: bool,
    },
    /// Wait for anything at all.
    AwaitByte {
        /// It is awaited as the beginning of TLS.
        of_tls: bool,
    },
    /// Wait for the whole ClientHello; TLS begins.
    AwaitClientHello,
    /// Wait for a message.
    AwaitMessage,
    /// Give the client a moment to speak before it is asked.
    HeadStart,
    /// Wait so long.
    Wait(Duration),
    /// Send these parts in one segment.
    Send(Vec<Part>),
    /// Shake hands; TLS begins.
    Handshake,
    /// Have new keys for what is sent.
    UpdateKeys,
    /// Reckon what the server keeps of the password, with so many iterations.
    MakeVerifier(u32),
    /// Serve the session, honestly but for what the machine has a reaction to.
    Session,
    /// Send these parts, then the ErrorResponse that rejects a login, and close.
    Reject(Vec<Part>, Report),
    /// Enter what was received as bytes that are no message; then tell the client, if so, and close.
    Junk(Option<Report>),
    /// Close (FIN).
    Close,
    /// Reset (RST).
    Reset,
    /// Say nothing more, and read on.
    Silence {
        /// First packets may still come, and mean what they say.
        listening: bool,
    },
}

/// A part of a segment: its bytes, and how the transcript tells them.
#[derive(Debug, PartialEq)]
pub(crate) struct Part {
    pub(crate) bytes: Vec<u8>,
    pub(crate) kind: EntryKind,
}
