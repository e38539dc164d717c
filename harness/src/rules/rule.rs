//! What a rule is: it sees the chunks of a stream, and has a verdict on each.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

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
#[non_exhaustive]
pub struct Chunk<'a> {
    /// Which way they go.
    pub direction: Direction,
    /// How many bytes of this direction the rule has seen before them: all that passed the rules
    /// asked before it.
    pub offset: u64,
    /// The bytes, never none.
    pub bytes: &'a [u8],
}

impl<'a> Chunk<'a> {
    /// Bytes that go `direction` behind `offset` others, for trying out a rule.
    #[must_use]
    pub const fn new(direction: Direction, offset: u64, bytes: &'a [u8]) -> Self {
        Self { direction, offset, bytes }
    }

    /// Where in [`bytes`](Self::bytes) the byte at `offset` of the stream stands: `Some(0)` for the
    /// first one or one before it, `None` for one that has not come yet.
    #[must_use]
    pub fn position(&self, offset: u64) -> Option<usize> {
        let position = usize::try_from(offset.saturating_sub(self.offset)).ok()?;
        (position < self.bytes.len()).then_some(position)
    }

    /// The verdict of a rule that has one for the byte at `offset` of the stream and all after it:
    /// what comes before passes, as a chunk of its own.
    #[must_use]
    pub fn from(&self, offset: u64, verdict: Verdict) -> Verdict {
        match self.position(offset) {
            None => Verdict::Pass,
            Some(0) => verdict,
            Some(before) => Verdict::Split(before),
        }
    }
}

/// What a rule says of a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It may pass.
    Pass,
    /// Its first bytes may pass, as many as given (at least one); the rest comes again as a chunk of its own.
    Split(usize),
    /// It may pass when the time is over.
    Delay(Duration),
    /// The rule is asked again about the same chunk when the time is over.
    AskAgain(Duration),
    /// These bytes pass in its place, if they are any.
    Replace(Vec<u8>),
    /// It waits for the next chunk that passes, and goes with it as one; where this direction ends
    /// before, it goes by itself. The sender believes that it was sent.
    Hold,
    /// It, and all that comes after, waits for good: nothing vanishes, and the sender waits too.
    Stall,
    /// It vanishes: the sender believes that it was sent, and the receiver never sees it.
    Swallow,
    /// This direction ends here: the peer sees FIN (outbound), or this end sees end of file (inbound).
    Close,
    /// The connection is reset (RST).
    Reset,
}

/// Decides on every chunk of a stream; chunks come in order, each once a verdict.
///
/// A rule sees both directions; the offsets of each count for themselves. A closure `FnMut(&Chunk<'_>) -> Verdict + Send` is a rule.
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
