//! The versions of libpq that the reference knows.

use std::{fmt, str::FromStr};

/// A major version of libpq.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Version {
    /// libpq 15.
    V15,
    /// libpq 16: `sslrootcert=system`.
    V16,
    /// libpq 17: direct negotiation, ALPN, cancel requests over TLS.
    V17,
    /// libpq 18.
    #[default]
    V18,
}

impl Version {
    /// Every version, the oldest first.
    pub const ALL: [Self; 4] = [Self::V15, Self::V16, Self::V17, Self::V18];

    /// The major version's number.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::V15 => 15,
            Self::V16 => 16,
            Self::V17 => 17,
            Self::V18 => 18,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number())
    }
}

/// A text that is no version the reference knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("wanted a version of libpq (15, 16, 17, 18), got `{0}`")]
pub struct ParseVersionError(String);

impl FromStr for Version {
    type Err = ParseVersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|version| version.to_string() == text)
            .ok_or_else(|| ParseVersionError(text.to_owned()))
    }
}
