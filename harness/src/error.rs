//! What can go wrong in the harness itself; what goes wrong on a stream is an `io::Error` there.

use std::{io, net::SocketAddr};

/// An error of the harness.
///
/// What it is about can be asked; more kinds may come.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Kind);

#[derive(Debug, thiserror::Error)]
enum Kind {
    #[error("cannot listen on {address}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("wanted a seed of up to 16 hexadecimal digits, got `{0}`")]
    Seed(String),
    #[error("the deadline passed")]
    Timeout,
}

impl Error {
    pub(crate) const fn listen(address: SocketAddr, source: io::Error) -> Self {
        Self(Kind::Listen { address, source })
    }

    pub(crate) fn seed(text: &str) -> Self {
        Self(Kind::Seed(text.to_owned()))
    }

    pub(crate) const fn timeout() -> Self {
        Self(Kind::Timeout)
    }

    /// Whether an address cannot be listened on, because it is taken, foreign or forbidden.
    #[must_use]
    pub const fn is_listen(&self) -> bool {
        matches!(self.0, Kind::Listen { .. })
    }

    /// Whether an address cannot be listened on because it is taken.
    #[must_use]
    pub fn is_address_in_use(&self) -> bool {
        matches!(&self.0, Kind::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse)
    }

    /// Whether a text is no seed.
    #[must_use]
    pub const fn is_seed(&self) -> bool {
        matches!(self.0, Kind::Seed(_))
    }

    /// Whether a [`Deadline`](crate::Deadline) came first.
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(self.0, Kind::Timeout)
    }
}
