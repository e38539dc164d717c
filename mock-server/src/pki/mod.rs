//! The certificate authority: every certificate, key and file of the axes, made at first use.

mod binding;

use std::path::{Path, PathBuf};

use rustls_pki_types::{CertificateDer, PrivateKeyDer};

pub use self::binding::server_end_point;
use crate::axes::{Certificate, Key};

/// The user whom client certificates name: their CN, which `cert` compares with the user.
pub const CLIENT_USER: &str = "any";

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
    /// A certificate, key or revocation list could not be made.
    #[error("cannot make {what}")]
    Make {
        /// What was wanted.
        what: String,
        /// Why.
        source: rcgen::Error,
    },
    /// A key could not be made.
    #[error("cannot make an Ed25519 key")]
    Key(#[from] openssl::error::ErrorStack),
}

/// Whose client certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClientCertificate {
    /// Issued by the root that the server trusts.
    Right,
    /// Issued by the wrong root.
    Wrong,
}

/// A client's certificate and its key, both PEM, the key PKCS#8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientFiles {
    /// The certificate.
    pub certificate: PathBuf,
    /// The key, readable by its owner alone.
    pub key: PathBuf,
}

/// What a server shows and proves in a handshake.
#[derive(Debug)]
pub struct Identity {
    /// The leaf, then what the server sends behind it.
    pub chain: Vec<CertificateDer<'static>>,
    /// The leaf's key.
    pub key: PrivateKeyDer<'static>,
    /// The channel binding `tls-server-end-point`; `None` where the signature names no hash.
    pub server_end_point: Option<Vec<u8>>,
}

/// An authority with a folder of its own; clones share both.
#[derive(Debug, Clone)]
pub struct Authority {}

impl Authority {
    /// An authority in a temporary folder, which goes with the last clone.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn generate() -> Result<Self, Error> {
        unimplemented!()
    }

    /// An authority whose files stay in `directory`, which is made where it is missing.
    ///
    /// # Errors
    /// When the folder cannot be made or written to.
    pub fn generate_in(_directory: &Path) -> Result<Self, Error> {
        unimplemented!()
    }

    /// Where its files are: an absolute path.
    #[must_use]
    pub fn directory(&self) -> &Path {
        unimplemented!()
    }

    /// What the server shows for these axes.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn identity(
        &self,
        _certificate: Certificate,
        _key: Key,
    ) -> Result<std::sync::Arc<Identity>, Error> {
        unimplemented!()
    }

    /// The root that issued the server's certificates, and the right client certificates.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn root(&self, _key: Key) -> Result<CertificateDer<'static>, Error> {
        unimplemented!()
    }

    /// The PEM file of [`Authority::root`].
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn root_path(&self, _key: Key) -> Result<PathBuf, Error> {
        unimplemented!()
    }

    /// The PEM file of a root that issued nothing but the wrong client certificates.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn wrong_root_path(&self, _key: Key) -> Result<PathBuf, Error> {
        unimplemented!()
    }

    /// A PEM file with the very leaf that the server shows.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn server_certificate_path(
        &self,
        _certificate: Certificate,
        _key: Key,
    ) -> Result<PathBuf, Error> {
        unimplemented!()
    }

    /// A file for `SSL_CERT_FILE`: a system store that holds the right root.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn system_store_path(&self, _key: Key) -> Result<PathBuf, Error> {
        unimplemented!()
    }

    /// A file for `SSL_CERT_FILE`: a system store that holds nothing.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn empty_store_path(&self) -> Result<PathBuf, Error> {
        unimplemented!()
    }

    /// An empty folder, for `SSL_CERT_DIR` or HOME.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn empty_directory(&self) -> Result<PathBuf, Error> {
        unimplemented!()
    }

    /// A path at which there is nothing.
    #[must_use]
    pub fn missing_path(&self) -> PathBuf {
        unimplemented!()
    }

    /// The root's revocation list (PEM): the `revoked` leaf, and valid now.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn crl_path(&self, _key: Key) -> Result<PathBuf, Error> {
        unimplemented!()
    }

    /// A client's certificate and key, for the user [`CLIENT_USER`].
    ///
    /// # Errors
    /// When they cannot be made or written.
    pub fn client_identity(
        &self,
        _which: ClientCertificate,
        _key: Key,
    ) -> Result<ClientFiles, Error> {
        unimplemented!()
    }
}
