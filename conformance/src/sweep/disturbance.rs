//! What may happen to a byte of the server's stream.

use std::fmt;

use pgtls_mock_server::RuleSpec;
use serde::Serialize;

/// What happens at one byte of the server's stream; on every connection of the case, at the same offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Disturbance {
    /// Nothing: what the others are compared with.
    None,
    /// FIN comes in its place.
    Cut,
    /// It and all that follows vanish; the connection stays open until the server closes it.
    Lost,
    /// It and all that follows never come, the end included.
    Stalled,
    /// RST comes in its place.
    Reset,
    /// Its lowest bit is flipped: `D` becomes `E`, and a length differs by one.
    FlippedBit,
    /// All its bits are flipped: a small length becomes a huge or a negative one.
    FlippedByte,
    /// It comes in another segment than the one before it.
    Split,
}

impl Disturbance {
    /// Every disturbance, without that which is none.
    pub const ALL: [Self; 7] = [
        Self::Cut,
        Self::Lost,
        Self::Stalled,
        Self::Reset,
        Self::FlippedBit,
        Self::FlippedByte,
        Self::Split,
    ];

    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Cut => "cut",
            Self::Lost => "lost",
            Self::Stalled => "stalled",
            Self::Reset => "reset",
            Self::FlippedBit => "flipped-bit",
            Self::FlippedByte => "flipped-byte",
            Self::Split => "split",
        }
    }

    /// The rule for the wire that does so to the byte at that offset; there is none for
    /// [`None`](Self::None).
    #[must_use]
    pub fn rule(self, at: u64) -> Option<RuleSpec> {
        Some(match self {
            Self::None => return None,
            Self::Cut => RuleSpec::HalfCloseOutbound { at },
            Self::Lost => RuleSpec::TruncateOutbound { at },
            Self::Stalled => RuleSpec::StallOutbound { at },
            Self::Reset => RuleSpec::ResetOutbound { at },
            Self::FlippedBit => RuleSpec::CorruptOutbound { at, xor: 0x01 },
            Self::FlippedByte => RuleSpec::CorruptOutbound { at, xor: 0xff },
            Self::Split => RuleSpec::SplitOutbound { at: vec![at] },
        })
    }

    /// Whether every byte comes as it was sent, so that a client has no reason to end otherwise than
    /// undisturbed.
    #[must_use]
    pub const fn loses_nothing(self) -> bool {
        matches!(self, Self::None | Self::Split)
    }
}

impl fmt::Display for Disturbance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
