//! The judge: what was observed against the reference, and against what must hold whatever the
//! reference says. Pure functions over values.

mod conformance;
mod facts;
mod leak;
mod quote;
mod safety;
mod trust;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    conformance::conformance,
    facts::{Claim, Facts},
    leak::Secrets,
    safety::{safety, warnings},
};

/// Observed against the reference.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Conformance {
    /// The client died, or its shim's output was not the contract's.
    Crash,
    /// No result by the deadline.
    Hang,
    /// The stack said before connecting that it cannot.
    Unsupported,
    /// It connects where the reference fails, or with less protection, or sends in clear what the
    /// reference does not.
    Weaker,
    /// It fails where the reference connects, or connects with more protection.
    Stricter,
    /// The same outcome by another path.
    Departs,
    /// The same trace.
    Agrees,
    /// The tool could not measure it for want of its own means.
    Inconclusive,
}

impl Conformance {
    /// Every verdict, the worst first, and behind `agrees` those of cells that were not measured.
    pub const ALL: [Self; 8] = [
        Self::Crash,
        Self::Hang,
        Self::Weaker,
        Self::Stricter,
        Self::Departs,
        Self::Agrees,
        Self::Unsupported,
        Self::Inconclusive,
    ];

    /// The verdict's name in the results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Hang => "hang",
            Self::Unsupported => "unsupported",
            Self::Weaker => "weaker",
            Self::Stricter => "stricter",
            Self::Departs => "departs",
            Self::Agrees => "agrees",
            Self::Inconclusive => "inconclusive",
        }
    }

    /// Whether the verdict alone makes a finding.
    #[must_use]
    pub const fn is_finding(self) -> bool {
        !matches!(self, Self::Agrees | Self::Unsupported | Self::Inconclusive)
    }

    /// Whether the client was asked and seen.
    #[must_use]
    pub const fn is_measured(self) -> bool {
        !matches!(self, Self::Unsupported | Self::Inconclusive)
    }
}

impl std::fmt::Display for Conformance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// What must hold whatever the reference says.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Invariant {
    /// Under `require` or stronger, the password or a value computed from it left unencrypted.
    PlaintextPassword,
    /// Under those modes, a StartupMessage left unencrypted.
    PlaintextStartup,
    /// Under those modes, or behind an encrypted session under any, a CancelRequest left unencrypted.
    PlaintextCancel,
    /// Under `verify-ca` or `verify-full`, the client went on after a chain it must not trust.
    UnverifiedChain,
    /// Under `verify-full`, the client went on after a certificate without the host's name.
    UnverifiedName,
    /// Bytes from before the handshake were taken as session data.
    InjectedPlaintext,
    /// Under `require` or stronger, a text from before TLS reached the application.
    SpoofedError,
    /// `channel_binding=require`, and a login finished or a password was sent without it.
    BindingDropped,
    /// No result by the deadline.
    Hang,
    /// The client died.
    Crash,
    /// More than [`Self::STORM`] connections for one connect call.
    Storm,
    /// The client says another thing than the server saw.
    Dishonest,
}

impl Invariant {
    /// Every invariant, in the contract's order.
    pub const ALL: [Self; 12] = [
        Self::PlaintextPassword,
        Self::PlaintextStartup,
        Self::PlaintextCancel,
        Self::UnverifiedChain,
        Self::UnverifiedName,
        Self::InjectedPlaintext,
        Self::SpoofedError,
        Self::BindingDropped,
        Self::Hang,
        Self::Crash,
        Self::Storm,
        Self::Dishonest,
    ];

    /// As many connections as one connect call may open.
    pub const STORM: usize = 8;

    /// The invariant's id.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::PlaintextPassword => "plaintext-password",
            Self::PlaintextStartup => "plaintext-startup",
            Self::PlaintextCancel => "plaintext-cancel",
            Self::UnverifiedChain => "unverified-chain",
            Self::UnverifiedName => "unverified-name",
            Self::InjectedPlaintext => "injected-plaintext",
            Self::SpoofedError => "spoofed-error",
            Self::BindingDropped => "binding-dropped",
            Self::Hang => "hang",
            Self::Crash => "crash",
            Self::Storm => "storm",
            Self::Dishonest => "dishonest",
        }
    }

    /// When it is broken.
    #[must_use]
    pub const fn broken_when(self) -> &'static str {
        match self {
            Self::PlaintextPassword => {
                "under require, verify-ca or verify-full, the password or a value computed from it left unencrypted"
            }
            Self::PlaintextStartup => "under those modes, a StartupMessage left unencrypted",
            Self::PlaintextCancel => {
                "under those modes, or behind an encrypted session under any, a CancelRequest left unencrypted"
            }
            Self::UnverifiedChain => {
                "under verify-ca or verify-full, the client sent a StartupMessage after a certificate that does not chain, in its validity, to what it was told to trust"
            }
            Self::UnverifiedName => {
                "under verify-full, the client sent a StartupMessage after a certificate in which no name matches the host"
            }
            Self::InjectedPlaintext => {
                "bytes received before the TLS handshake were taken as session data"
            }
            Self::SpoofedError => {
                "under require or stronger, the text of an ErrorResponse received before TLS reached the application"
            }
            Self::BindingDropped => {
                "channel_binding=require, and authentication finished, or a password was sent, without it"
            }
            Self::Hang => "no result by the deadline although a connect timeout was given",
            Self::Crash => "the client's process died, or it panicked",
            Self::Storm => "more than 8 connections for one connect call",
            Self::Dishonest => {
                "the client says it is connected and the server saw no query, or answers another number than the server gave, or the reverse"
            }
        }
    }

    /// Why it matters, in one sentence for somebody who does not know TLS.
    #[must_use]
    pub const fn why(self) -> &'static str {
        match self {
            Self::PlaintextPassword => {
                "anybody on the path reads the password although encryption was demanded"
            }
            Self::PlaintextStartup => {
                "user and database names cross the network unencrypted although encryption was demanded"
            }
            Self::PlaintextCancel => {
                "the cancel key crosses the network unencrypted: whoever reads it can kill every later query"
            }
            Self::UnverifiedChain => {
                "a man in the middle with any certificate at all gets the session"
            }
            Self::UnverifiedName => {
                "whoever holds a certificate of the same authority for another host gets the session"
            }
            Self::InjectedPlaintext => {
                "a man in the middle puts answers into the encrypted session (CVE-2021-23222)"
            }
            Self::SpoofedError => {
                "a man in the middle puts words into the application's errors (CVE-2024-10977)"
            }
            Self::BindingDropped => {
                "the one defence that does not rest on certificates is silently gone"
            }
            Self::Hang => "one silent server stops the application for good",
            Self::Crash => "a server can take the application down",
            Self::Storm => "one connect call floods the server",
            Self::Dishonest => "what the client says of its connection cannot be relied on",
        }
    }
}

impl std::fmt::Display for Invariant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.id())
    }
}
