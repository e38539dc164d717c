//! Rules: what happens to bytes on their way. One rule, one file, and its entry in the table at the
//! end of this one; see `README.md` beside it.

mod delay;
mod half_close;
mod reset;
mod split;
mod truncate;

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

/// A rule that holds for one direction.
struct OneWay<R>(Direction, R);

impl<R: Rule> Rule for OneWay<R> {
    fn judge(&mut self, chunk: &Chunk<'_>) -> Verdict {
        if chunk.direction == self.0 { self.1.judge(chunk) } else { Verdict::Pass }
    }
}

/// Makes [`RuleSpec`] from a table: each rule with its settings, and its two names.
macro_rules! rules {
    ($(
        $rule:path { $($(#[$about:meta])* $setting:ident: $of_type:ty,)* }
        $(#[$sent:meta])* $outbound:ident
        $(#[$received:meta])* $inbound:ident;
    )*) => {
        /// A rule as a value, so that it can be written to a file and built again.
        ///
        /// Offsets count the bytes of one direction from the connection's start, below TLS.
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(tag = "rule", rename_all = "kebab-case")]
        #[non_exhaustive]
        pub enum RuleSpec {
            $(
                $(#[$sent])*
                $outbound { $($(#[$about])* $setting: $of_type,)* },
                $(#[$received])*
                $inbound { $($(#[$about])* $setting: $of_type,)* },
            )*
        }

        impl RuleSpec {
            /// The rule, ready to be installed.
            #[must_use]
            pub fn build(&self) -> Box<dyn Rule> {
                match self.clone() {
                    $(
                        Self::$outbound { $($setting),* } => {
                            Box::new(OneWay(Direction::Outbound, <$rule>::new($($setting),*)))
                        }
                        Self::$inbound { $($setting),* } => {
                            Box::new(OneWay(Direction::Inbound, <$rule>::new($($setting),*)))
                        }
                    )*
                }
            }
        }
    };
}

rules! {
    split::Split {
        /// Offsets in the stream; their order does not matter.
        at: Vec<u64>,
    }
    /// What is sent comes in pieces that end at these offsets.
    SplitOutbound
    /// What is received comes in pieces that end at these offsets.
    SplitInbound;

    delay::Delay {
        /// Offset of the first byte that waits.
        at: u64,
        /// For how long, in milliseconds.
        milliseconds: u64,
    }
    /// The byte at `at` and all after it leave later.
    DelayOutbound
    /// The byte at `at` and all after it arrive later.
    DelayInbound;

    truncate::Truncate {
        /// Offset of the first byte that vanishes.
        at: u64,
    }
    /// The byte at `at` and all after it are never sent.
    TruncateOutbound
    /// The byte at `at` and all after it are never received.
    TruncateInbound;

    reset::Reset {
        /// Offset of the byte that RST comes in place of, or in answer to.
        at: u64,
    }
    /// RST in place of the byte sent at `at`.
    ResetOutbound
    /// RST in answer to the byte received at `at`.
    ResetInbound;

    half_close::HalfClose {
        /// Offset of the byte that is replaced.
        at: u64,
    }
    /// FIN in place of the byte sent at `at`; receiving goes on.
    HalfCloseOutbound
    /// End of file in place of the byte received at `at`; sending goes on.
    HalfCloseInbound;
}
