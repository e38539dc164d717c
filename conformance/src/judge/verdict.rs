//! The verdicts against the reference.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

impl fmt::Display for Conformance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
