//! The table of all invariants, in the contract's order.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    super::facts::Facts,
    binding_dropped::BINDING_DROPPED,
    certificate, consumption,
    definition::Definition,
    dishonest::DISHONEST,
    injected_plaintext::INJECTED_PLAINTEXT,
    liveness, plaintext,
    server_unproven::SERVER_UNPROVEN,
    spoofed_error::SPOOFED_ERROR,
    storm::{self, STORM},
};
use crate::transcript::Position;

/// Defines [`Invariant`] from a table of variants, ids and definitions.
macro_rules! invariants {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $definition:expr;)*) => {
        /// What must hold whatever the reference says.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
        )]
        #[non_exhaustive]
        pub enum Invariant {
            $($(#[$doc])* #[serde(rename = $id)] $name,)*
        }

        impl Invariant {
            /// Every invariant, in the contract's order.
            pub const ALL: [Self; [$($id),*].len()] = [$(Self::$name),*];

            /// The invariant's id.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            const fn definition(self) -> &'static Definition {
                match self { $(Self::$name => &$definition,)* }
            }
        }
    };
}

invariants! {
    /// Under `require` or stronger, the password or a value computed from it left unencrypted.
    PlaintextPassword = "plaintext-password", plaintext::PASSWORD;
    /// Under those modes, a StartupMessage left unencrypted.
    PlaintextStartup = "plaintext-startup", plaintext::STARTUP;
    /// Under those modes, or behind an encrypted session under any, a CancelRequest left unencrypted.
    PlaintextCancel = "plaintext-cancel", plaintext::CANCEL;
    /// Under `verify-ca` or `verify-full`, the client went on after a chain it must not trust.
    UnverifiedChain = "unverified-chain", certificate::CHAIN;
    /// Under `verify-full`, the client went on after a certificate without the host's name.
    UnverifiedName = "unverified-name", certificate::NAME;
    /// Bytes from before the handshake were taken as session data.
    InjectedPlaintext = "injected-plaintext", INJECTED_PLAINTEXT;
    /// Under `require` or stronger, a text from before TLS reached the application.
    SpoofedError = "spoofed-error", SPOOFED_ERROR;
    /// `channel_binding=require`, and a login finished or a password was sent without it.
    BindingDropped = "binding-dropped", BINDING_DROPPED;
    /// No result by the deadline.
    Hang = "hang", liveness::HANG;
    /// The client died.
    Crash = "crash", liveness::CRASH;
    /// More than [`Self::STORM`] connections for one connect call.
    Storm = "storm", STORM;
    /// The client says another thing than the server saw.
    Dishonest = "dishonest", DISHONEST;
    /// The client asked its query of a server that had to prove itself by SCRAM and did not.
    ServerUnproven = "server-unproven", SERVER_UNPROVEN;
    /// The client took much memory for what little the server had sent.
    Memory = "memory", consumption::MEMORY;
    /// The client took much processor time for what little the server had sent.
    Busy = "busy", consumption::BUSY;
}

impl Invariant {
    /// As many connections as one connect call may open.
    pub const STORM: usize = storm::MOST;

    /// When it is broken.
    #[must_use]
    pub const fn broken_when(self) -> &'static str {
        self.definition().broken_when
    }

    /// Why it matters, in one sentence for somebody who does not know TLS.
    #[must_use]
    pub const fn why(self) -> &'static str {
        self.definition().why
    }

    /// Where the promise stands that is broken: a section of PostgreSQL's documentation, an RFC, a CVE.
    #[must_use]
    pub const fn source(self) -> &'static str {
        self.definition().source
    }

    /// What in the transcript breaks it; none where it holds.
    pub(in crate::judge) fn evidence(self, facts: &Facts<'_>) -> Option<Vec<Position>> {
        (self.definition().evidence)(facts)
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}
