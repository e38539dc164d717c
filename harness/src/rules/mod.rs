//! Rules: what happens to bytes on their way. One rule, one file; see `README.md` beside this one.

mod delay;
mod half_close;
mod reset;
mod split;
mod truncate;

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

pub use self::{
    delay::Delay, half_close::HalfClose, reset::Reset, split::Split, truncate::Truncate,
};

/// Which way bytes go, as the end that holds the stream sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From the peer to here.
    Inbound,
    /// From here to the peer.
    Outbound,
}

/// Bytes on their way, before they have passed.
#[derive(Debug, Clone, Copy)]
pub struct Chunk<'a> {
    /// Which way they go.
    pub direction: Direction,
    /// How many bytes of this direction passed before them.
    pub offset: u64,
    /// The bytes, never none.
    pub bytes: &'a [u8],
}

impl Chunk<'_> {
    /// Where in [`bytes`](Self::bytes) the byte at `offset` of the stream stands: `Some(0)` for the
    /// first one or one before it, `None` for one that has not come yet.
    #[must_use]
    pub fn position(&self, offset: u64) -> Option<usize> {
        let position = usize::try_from(offset.saturating_sub(self.offset)).ok()?;
        (position < self.bytes.len()).then_some(position)
    }
}

/// What a rule says of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It may pass.
    Pass,
    /// Its first bytes may pass, as many as given (at least one); the rest comes again as a chunk of its own.
    Split(usize),
    /// The rules after this one are asked when the time is over.
    Delay(Duration),
    /// It vanishes: the sender believes that it was sent, and the receiver never sees it.
    Swallow,
    /// This direction ends here: the peer sees FIN (outbound), or this end sees end of file (inbound).
    Close,
    /// The connection is reset (RST).
    Reset,
}

/// Decides on every chunk of a stream; chunks come in order, each once a verdict.
///
/// A closure `FnMut(&Chunk<'_>) -> Verdict + Send` is a rule.
pub trait Rule: Send {
    /// The verdict on `chunk`.
    fn judge(&mut self, chunk: &Chunk<'_>) -> Verdict;
}

impl<F: FnMut(&Chunk<'_>) -> Verdict + Send> Rule for F {
    fn judge(&mut self, chunk: &Chunk<'_>) -> Verdict {
        self(chunk)
    }
}

impl fmt::Debug for dyn Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rule")
    }
}

/// A rule as a value, so that it can be written to a file and built again.
///
/// Offsets count the bytes of one direction from the connection's start, below TLS.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RuleSpec {
    /// [`Split`]: what is sent comes in pieces that end at these offsets.
    SplitOutbound {
        /// Offsets in the stream; their order does not matter.
        at: Vec<u64>,
    },
    /// [`Split`]: what is received comes in pieces that end at these offsets.
    SplitInbound {
        /// Offsets in the stream; their order does not matter.
        at: Vec<u64>,
    },
    /// [`Delay`]: the byte at `at` and all after it leave later.
    DelayOutbound {
        /// Offset of the first byte that waits.
        at: u64,
        /// For how long, in milliseconds.
        milliseconds: u64,
    },
    /// [`Delay`]: the byte at `at` and all after it arrive later.
    DelayInbound {
        /// Offset of the first byte that waits.
        at: u64,
        /// For how long, in milliseconds.
        milliseconds: u64,
    },
    /// [`Truncate`]: the byte at `at` and all after it are never sent.
    TruncateOutbound {
        /// Offset of the first byte that vanishes.
        at: u64,
    },
    /// [`Truncate`]: the byte at `at` and all after it are never received.
    TruncateInbound {
        /// Offset of the first byte that vanishes.
        at: u64,
    },
    /// [`Reset`]: RST in place of the byte sent at `at`.
    ResetOutbound {
        /// Offset of the byte that is replaced.
        at: u64,
    },
    /// [`Reset`]: RST in answer to the byte received at `at`.
    ResetInbound {
        /// Offset of the byte that is answered.
        at: u64,
    },
    /// [`HalfClose`]: FIN in place of the byte sent at `at`; receiving goes on.
    HalfCloseOutbound {
        /// Offset of the byte that is replaced.
        at: u64,
    },
    /// [`HalfClose`]: end of file in place of the byte received at `at`; sending goes on.
    HalfCloseInbound {
        /// Offset of the byte that is replaced.
        at: u64,
    },
}

impl RuleSpec {
    /// The rule, ready to be installed.
    #[must_use]
    pub fn build(&self) -> Box<dyn Rule> {
        use Direction::{Inbound, Outbound};
        match *self {
            Self::SplitOutbound { ref at } => Box::new(Split::new(Outbound, at.clone())),
            Self::SplitInbound { ref at } => Box::new(Split::new(Inbound, at.clone())),
            Self::DelayOutbound { at, milliseconds } => {
                Box::new(Delay::new(Outbound, at, Duration::from_millis(milliseconds)))
            }
            Self::DelayInbound { at, milliseconds } => {
                Box::new(Delay::new(Inbound, at, Duration::from_millis(milliseconds)))
            }
            Self::TruncateOutbound { at } => Box::new(Truncate::new(Outbound, at)),
            Self::TruncateInbound { at } => Box::new(Truncate::new(Inbound, at)),
            Self::ResetOutbound { at } => Box::new(Reset::new(Outbound, at)),
            Self::ResetInbound { at } => Box::new(Reset::new(Inbound, at)),
            Self::HalfCloseOutbound { at } => Box::new(HalfClose::new(Outbound, at)),
            Self::HalfCloseInbound { at } => Box::new(HalfClose::new(Inbound, at)),
        }
    }
}
