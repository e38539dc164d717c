//! The clients' certificates: whose they are, and where they stand.

use std::path::{Path, PathBuf};

/// The user whom client certificates name: their CN, which `cert` compares with the user.
pub const CLIENT_USER: &str = "any";

/// Whose client certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClientCertificate {
    /// Issued by the root that the server trusts.
    Right,
    /// Issued by the wrong root.
    Wrong,
}

/// A client's certificate and its key, both PEM, the key PKCS#8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientFiles {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

impl ClientFiles {
    /// Where the certificate is.
    #[must_use]
    pub fn certificate(&self) -> &Path {
        &self.certificate
    }

    /// Where the key is, readable by its owner alone.
    #[must_use]
    pub fn key(&self) -> &Path {
        &self.key
    }
}
