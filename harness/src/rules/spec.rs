//! The table of rules: each as a value that can be written to a file and built again.

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use super::{Chunk, Direction, Rule, Verdict};
use crate::Seed;

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
        /// Offsets count the bytes of one direction from the connection's start, below TLS, as the
        /// rules installed before let them pass.
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
    super::split::Split {
        /// Offsets in the stream; their order does not matter.
        at: Vec<u64>,
    }
    /// What is sent comes in pieces that end at these offsets.
    SplitOutbound
    /// What is received comes in pieces that end at these offsets.
    SplitInbound;

    super::delay::Delay {
        /// Offset of the first byte that waits.
        at: u64,
        /// For how long, in milliseconds.
        milliseconds: u64,
    }
    /// The byte at `at` and all after it leave later.
    DelayOutbound
    /// The byte at `at` and all after it arrive later.
    DelayInbound;

    super::truncate::Truncate {
        /// Offset of the first byte that vanishes.
        at: u64,
    }
    /// The byte at `at` and all after it are never sent.
    TruncateOutbound
    /// The byte at `at` and all after it are never received.
    TruncateInbound;

    super::reset::Reset {
        /// Offset of the byte that RST comes in place of, or in answer to.
        at: u64,
    }
    /// RST in place of the byte sent at `at`.
    ResetOutbound
    /// RST in answer to the byte received at `at`.
    ResetInbound;

    super::corrupt::Corrupt {
        /// Offset of the byte.
        at: u64,
        /// The bits of it that are flipped.
        xor: u8,
    }
    /// The byte sent at `at` comes with other bits.
    CorruptOutbound
    /// The byte received at `at` comes with other bits.
    CorruptInbound;

    super::duplicate::Duplicate {
        /// Offset of the first byte.
        at: u64,
        /// How many bytes.
        length: u16,
    }
    /// These bytes are sent twice, one copy behind the other, once the last of them is there.
    DuplicateOutbound
    /// These bytes are received twice, one copy behind the other, once the last of them is there.
    DuplicateInbound;

    super::coalesce::Coalesce {
        /// Offset of the first byte.
        at: u64,
        /// How many bytes.
        length: u16,
    }
    /// These bytes are held back until the last of them is there, or FIN, and leave in one segment.
    CoalesceOutbound
    /// These bytes are held back until the last of them is there, or the end, and arrive at once.
    CoalesceInbound;

    super::jitter::Jitter {
        /// Where the delays come from.
        seed: Seed,
        /// How long the longest is, in milliseconds.
        most_milliseconds: u64,
    }
    /// Each chunk that is sent leaves later by a delay of its own.
    JitterOutbound
    /// Each chunk that is received arrives later by a delay of its own.
    JitterInbound;

    super::bandwidth::Bandwidth {
        /// How many bytes pass in a second.
        bytes_per_second: NonZeroU64,
    }
    /// What is sent leaves no faster than this.
    BandwidthOutbound
    /// What is received arrives no faster than this.
    BandwidthInbound;

    super::stall::Stall {
        /// Offset of the first byte that waits.
        at: u64,
    }
    /// The byte at `at` and all after it, FIN as well, wait for good before they are sent: writing
    /// comes to no end.
    StallOutbound
    /// The byte at `at` and all after it, the end as well, wait for good before they are received:
    /// the peer may fill the buffers.
    StallInbound;

    super::half_close::HalfClose {
        /// Offset of the byte that is replaced.
        at: u64,
    }
    /// FIN in place of the byte sent at `at`; receiving goes on.
    HalfCloseOutbound
    /// End of file in place of the byte received at `at`; sending goes on.
    HalfCloseInbound;
}
