//! The values that settings can have, as types.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the trust anchors come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RootSource {
    None,
    /// It need not exist: what then happens depends on the mode.
    File(PathBuf),
    Pem(Vec<u8>),
    System(SystemStore),
}

/// What `sslrootcert=system` means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SystemStore {
    /// What the platform has, and `SSL_CERT_FILE` and `SSL_CERT_DIR` where they are set.
    Platform,
    /// The certificates in these files, whatever the platform and the environment have.
    Files(Vec<PathBuf>),
}

/// Where the client certificate and its key come from.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Identity {
    None,
    /// No certificate is shown if that file does not exist.
    Files {
        certificate: PathBuf,
        key: Option<PathBuf>,
    },
    Pem {
        chain: Vec<u8>,
        key: Vec<u8>,
    },
}

/// The revocation lists to check against.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Revocation {
    /// Missing or empty: as if there were none.
    pub(crate) file: Option<ListFile>,
    pub(crate) folder: Option<PathBuf>,
}

/// A file of revocation lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ListFile {
    /// By `sslcrl`: somebody means it.
    Named(PathBuf),
    /// `root.crl` in the home folder, which hardly anybody has.
    AtHome(PathBuf),
}

impl ListFile {
    pub(crate) fn path(&self) -> &Path {
        match self {
            ListFile::Named(path) | ListFile::AtHome(path) => path,
        }
    }
}

/// A TLS version by which to bound the handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TlsVersion {
    V1_0,
    V1_1,
    V1_2,
    V1_3,
}

/// What to make of channel binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binding {
    Disable,
    Prefer,
    Require,
}

/// Which session is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionAttrs {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}

impl SessionAttrs {
    /// The word for it in connection strings.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            SessionAttrs::Any => "any",
            SessionAttrs::ReadWrite => "read-write",
            SessionAttrs::ReadOnly => "read-only",
            SessionAttrs::Primary => "primary",
            SessionAttrs::Standby => "standby",
            SessionAttrs::PreferStandby => "prefer-standby",
        }
    }
}

/// What is set on a TCP socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TcpOptions {
    pub(crate) keepalives: bool,
    pub(crate) idle: Option<Duration>,
    pub(crate) interval: Option<Duration>,
    pub(crate) count: Option<u32>,
    pub(crate) user_timeout: Option<Duration>,
}
