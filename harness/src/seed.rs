//! The seed: one printed number that all chance comes from.

use std::{fmt, str::FromStr};

use rand::{Rng, SeedableRng, TryRng, rngs::StdRng, rngs::SysRng};
use serde::{Deserialize, Serialize};

use crate::Error;

/// Where chance comes from: the same seed gives the same choices.
///
/// Keys and the randomness of TLS are apart: the libraries draw those themselves.
///
/// ```
/// use pgtls_harness::Seed;
///
/// let seed: Seed = "00000000c0ffee00".parse()?;
/// assert_eq!(seed.to_string(), "00000000c0ffee00");
/// assert_eq!(seed.child("nonces"), seed.child("nonces"));
/// assert_ne!(seed.child("nonces"), seed.child("delays"));
/// # Ok::<(), pgtls_harness::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Seed(u64);

impl Seed {
    /// A seed of the given number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// A seed that the operating system draws.
    ///
    /// # Panics
    ///
    /// If the operating system has no randomness to give.
    #[must_use]
    pub fn random() -> Self {
        Self(SysRng.try_next_u64().expect("the operating system gives random numbers"))
    }

    /// The seed for one purpose, so that a choice more in one place moves none in another.
    #[must_use]
    pub fn child(self, label: &str) -> Self {
        // FNV-1a over the label, then the finalizer of SplitMix64 to spread neighbouring numbers.
        let hash = label.bytes().fold(0xcbf2_9ce4_8422_2325_u64 ^ self.0, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self(mix(hash))
    }

    /// The seed of the thing with this number.
    #[must_use]
    pub const fn nth(self, number: u64) -> Self {
        Self(mix(self.0 ^ mix(number)))
    }

    /// A generator that starts here.
    #[must_use]
    pub fn rng(self) -> impl Rng + use<> {
        StdRng::seed_from_u64(self.0)
    }
}

const fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Seed {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || Error::seed(text);
        if text.starts_with(['+', '-']) || text.len() > 16 {
            return Err(wrong());
        }
        u64::from_str_radix(text, 16).map(Self).map_err(|_| wrong())
    }
}

impl From<Seed> for String {
    fn from(seed: Seed) -> Self {
        seed.to_string()
    }
}

impl TryFrom<String> for Seed {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_numbers() {
        let draw = |seed: Seed| {
            let mut rng = seed.rng();
            [rng.next_u64(), rng.next_u64()]
        };
        assert_eq!(draw(Seed::new(7)), draw(Seed::new(7)));
        assert_ne!(draw(Seed::new(7)), draw(Seed::new(8)));
        assert_ne!(draw(Seed::new(7).nth(0)), draw(Seed::new(7).nth(1)));
    }

    #[test]
    fn what_is_no_seed_is_refused() {
        for text in ["", "+1", "-1", "xyz", "00000000000000000", "1 "] {
            assert!(text.parse::<Seed>().is_err_and(|error| error.is_seed()), "{text}");
        }
        assert_eq!("00000000000000ff".parse::<Seed>().ok(), Some(Seed::new(255)));
    }
}
