//! libpq's `sslmode`.

use std::fmt;

/// How much protection to ask for: libpq's `sslmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[non_exhaustive]
pub enum SslMode {
    /// Plaintext only.
    Disable,
    /// Plaintext first; TLS if the server rejects that.
    Allow,
    /// TLS first; plaintext if there is none or it fails. libpq's default, and no protection against anybody active.
    #[default]
    Prefer,
    /// TLS only; the certificate is verified if (and only if) there is a root file.
    Require,
    /// TLS only, with a certificate that chains to the root file.
    VerifyCa,
    /// The same, and the host must be named in the certificate.
    VerifyFull,
}

impl SslMode {
    /// The word for it in connection strings.
    pub fn as_str(self) -> &'static str {
        match self {
            SslMode::Disable => "disable",
            SslMode::Allow => "allow",
            SslMode::Prefer => "prefer",
            SslMode::Require => "require",
            SslMode::VerifyCa => "verify-ca",
            SslMode::VerifyFull => "verify-full",
        }
    }

    /// Whether the mode wants the certificate verified whatever else is set.
    pub(crate) fn verifies(self) -> bool {
        self >= SslMode::VerifyCa
    }
}

impl fmt::Display for SslMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
