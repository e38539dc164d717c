//! What can go wrong in the harness itself; what goes wrong on a stream is an `io::Error` there.

use std::{io, net::SocketAddr};

/// An error of the harness.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// A text that is no seed.
    #[error("wanted a seed of up to 16 hexadecimal digits, got `{0}`")]
    Seed(String),
}
