//! What can go wrong with certificates, keys and their files.

use std::path::PathBuf;

/// What a library says of its failure, in its own words.
type Source = Box<dyn std::error::Error + Send + Sync>;

/// What went wrong while making a certificate or writing it down.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A folder or file could not be made.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file could not be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file holds no private key of the type wanted.
    #[error("no such private key in `{}`", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// In the TLS library's words.
        source: Source,
    },
    /// A certificate, key or revocation list could not be made.
    #[error("cannot make {what}")]
    Make {
        /// What was wanted.
        what: String,
        /// Why.
        source: Source,
    },
    /// OpenSSL could give no random bytes or no key.
    #[error("no key or random bytes from openssl")]
    Random {
        /// In its words.
        source: Source,
    },
}

impl Error {
    /// For `map_err`: this could not be made.
    pub(super) fn making(what: String) -> impl FnOnce(rcgen::Error) -> Self {
        |source| Self::Make { what, source: source.into() }
    }

    /// For `map_err`: OpenSSL gave no key or no random bytes.
    pub(super) fn random(source: openssl::error::ErrorStack) -> Self {
        Self::Random { source: source.into() }
    }
}
