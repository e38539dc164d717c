//! The certificate authority: every certificate, key and file of the axes, made at first use.

mod binding;
pub(crate) mod cache;
mod folder;
mod issue;
mod key;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use rcgen::SerialNumber;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use time::OffsetDateTime;

pub use self::binding::server_end_point;
use self::{
    cache::Cache,
    folder::{Folder, Secrecy, pem},
    issue::{Issuer, Role},
    key::KeyPair,
};
use crate::{
    axes::{Certificate, Key},
    shared::Shared,
};

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
        /// In OpenSSL's words.
        source: openssl::error::ErrorStack,
    },
    /// A certificate, key or revocation list could not be made.
    #[error("cannot make {what}")]
    Make {
        /// What was wanted.
        what: String,
        /// Why.
        source: rcgen::Error,
    },
    /// OpenSSL could give no random bytes or no key.
    #[error("no key or random bytes from openssl")]
    Random(#[from] openssl::error::ErrorStack),
}

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
    /// The leaf's serial number, for its revocation.
    serial: SerialNumber,
}

/// An authority with a folder of its own; clones share both.
///
/// Nothing is made before it is asked for, and nothing twice: a leaf that was shown stays the
/// leaf. The server's leaves of one key type share their key, for the sake of RSA, whose keys
/// take long to make; every authority has its own.
///
/// ```
/// use pgtls_mock_server::{axes::{Certificate, Key}, pki::Authority};
///
/// let authority = Authority::generate()?;
/// let identity = authority.identity(Certificate::WithIntermediate, Key::P256)?;
/// assert_eq!(identity.chain.len(), 2);
/// assert!(authority.root_path(Key::P256)?.starts_with(authority.directory()));
/// # Ok::<(), pgtls_mock_server::pki::Error>(())
/// ```
#[derive(Clone)]
pub struct Authority(Arc<Inner>);

struct Inner {
    folder: Folder,
    /// All dates count from here.
    made: OffsetDateTime,
    issuers: Cache<(Role, Key), Arc<Issuer>>,
    leaf_keys: Cache<Key, Arc<KeyPair>>,
    identities: Cache<(Certificate, Key), Arc<Identity>>,
    client_files: Cache<(ClientCertificate, Key), ClientFiles>,
    /// By the name under the folder.
    files: Cache<String, PathBuf>,
    /// What servers have made of all this.
    shared: Shared,
}

impl Authority {
    /// An authority in a temporary folder, which goes with the last clone.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn generate() -> Result<Self, Error> {
        Folder::temporary().map(Self::new)
    }

    /// An authority whose files stay in `directory`, which is made where it is missing.
    ///
    /// The root's key stays there too (`root.key`, readable by its owner alone), and an authority
    /// that finds it goes on with it: whoever trusted the root before trusts it again, and trusts
    /// every server of this folder. The other files are replaced as they are asked for.
    ///
    /// # Errors
    /// When the folder cannot be made or written to.
    pub fn generate_in(directory: &Path) -> Result<Self, Error> {
        Folder::given(directory).map(Self::new)
    }

    fn new(folder: Folder) -> Self {
        Self(Arc::new(Inner {
            folder,
            made: OffsetDateTime::now_utc(),
            issuers: Cache::default(),
            leaf_keys: Cache::default(),
            identities: Cache::default(),
            client_files: Cache::default(),
            files: Cache::default(),
            shared: Shared::default(),
        }))
    }

    /// Whether a server with such keys can be set up at once: an RSA key may have to be made first.
    pub(crate) fn is_quick(&self, key: Key) -> bool {
        key != Key::Rsa2048 || self.0.leaf_keys.has(&key)
    }

    /// Where its files are: an absolute path.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.0.folder.path()
    }

    /// What the server shows for these axes.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn identity(&self, certificate: Certificate, key: Key) -> Result<Arc<Identity>, Error> {
        self.0.identities.get_or_make((certificate, key), || {
            let pair = self.leaf_key(key)?;
            let issuer = Role::of(certificate).map(|role| self.issuer(role, key)).transpose()?;
            let (leaf, serial) = issue::server(certificate, &pair, issuer.as_deref(), self.0.made)?;
            let server_end_point = server_end_point(&leaf);
            let mut chain = vec![leaf];
            if let (Certificate::WithIntermediate, Some(issuer)) = (certificate, issuer) {
                chain.push(issuer.der().clone());
            }
            let key = pair.private()?;
            Ok(Arc::new(Identity { chain, key, server_end_point, serial }))
        })
    }

    /// The same, with the root at the end of the chain; what signed itself is its own root.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn identity_with_root(
        &self,
        certificate: Certificate,
        key: Key,
    ) -> Result<Arc<Identity>, Error> {
        let identity = self.identity(certificate, key)?;
        let Some(issuer) = Role::of(certificate) else { return Ok(identity) };
        let root = self.issuer(issuer.root(), key)?;
        let mut chain = identity.chain.clone();
        chain.push(root.der().clone());
        Ok(Arc::new(Identity {
            chain,
            key: identity.key.clone_key(),
            server_end_point: identity.server_end_point.clone(),
            serial: identity.serial.clone(),
        }))
    }

    /// The root that issued the server's certificates, and the right client certificates.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn root(&self, key: Key) -> Result<CertificateDer<'static>, Error> {
        Ok(self.issuer(Role::Root, key)?.der().clone())
    }

    /// The PEM file of [`Authority::root`].
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn root_path(&self, key: Key) -> Result<PathBuf, Error> {
        self.certificate_file(format!("{key}/root.crt"), || self.root(key))
    }

    /// The PEM file of a root that issued nothing but the wrong client certificates.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn wrong_root_path(&self, key: Key) -> Result<PathBuf, Error> {
        self.certificate_file(format!("{key}/wrong-root.crt"), || {
            Ok(self.issuer(Role::WrongRoot, key)?.der().clone())
        })
    }

    /// A PEM file with the very leaf that the server shows.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn server_certificate_path(
        &self,
        certificate: Certificate,
        key: Key,
    ) -> Result<PathBuf, Error> {
        self.certificate_file(format!("{key}/server-{certificate}.crt"), || {
            Ok(self.identity(certificate, key)?.leaf().clone())
        })
    }

    /// A file for `SSL_CERT_FILE`: a system store that holds the right root.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn system_store_path(&self, key: Key) -> Result<PathBuf, Error> {
        self.certificate_file(format!("{key}/system-store.crt"), || self.root(key))
    }

    /// A file for `SSL_CERT_FILE`: a system store that holds nothing.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn empty_store_path(&self) -> Result<PathBuf, Error> {
        self.file("empty-store.crt".to_owned(), || Ok(String::new()))
    }

    /// An empty folder, for `SSL_CERT_DIR` or HOME.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn empty_directory(&self) -> Result<PathBuf, Error> {
        self.0.files.get_or_make("empty".to_owned(), || self.0.folder.directory("empty"))
    }

    /// A path at which there is nothing.
    #[must_use]
    pub fn missing_path(&self) -> PathBuf {
        self.directory().join("missing.crt")
    }

    /// The root's revocation list (PEM): the `revoked` leaf, and valid now.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn crl_path(&self, key: Key) -> Result<PathBuf, Error> {
        self.file(format!("{key}/root.crl"), || {
            let revoked = self.identity(Certificate::Revoked, key)?;
            let root = self.issuer(Role::Root, key)?;
            let list = issue::revocation_list(&revoked.serial, &root, self.0.made)?;
            Ok(pem("X509 CRL", &list))
        })
    }

    /// A client's certificate and key, for the user [`CLIENT_USER`].
    ///
    /// # Errors
    /// When they cannot be made or written.
    pub fn client_identity(
        &self,
        which: ClientCertificate,
        key: Key,
    ) -> Result<ClientFiles, Error> {
        let (role, name) = match which {
            ClientCertificate::Right => (Role::Root, "client"),
            ClientCertificate::Wrong => (Role::WrongRoot, "wrong-client"),
        };
        self.0.client_files.get_or_make((which, key), || {
            let pair = KeyPair::generate(key)?;
            let issuer = self.issuer(role, key)?;
            let certificate = issue::client(&pair, &issuer, self.0.made)?;
            let write = |extension, content: String, secrecy| {
                let name = format!("{key}/{name}.{extension}");
                self.0.folder.write(name, content.as_bytes(), secrecy)
            };
            Ok(ClientFiles {
                certificate: write("crt", pem("CERTIFICATE", &certificate), Secrecy::Public)?,
                key: write(
                    "key",
                    pem("PRIVATE KEY", pair.private()?.secret_der()),
                    Secrecy::Private,
                )?,
            })
        })
    }

    fn issuer(&self, role: Role, key: Key) -> Result<Arc<Issuer>, Error> {
        self.0.issuers.get_or_make((role, key), || {
            let root = match role {
                Role::Intermediate => Some(self.issuer(Role::Root, key)?),
                Role::Root | Role::WrongRoot | Role::UnknownRoot => None,
            };
            let pair = match role {
                Role::Root => self.root_key(key)?,
                _ => KeyPair::generate(key)?,
            };
            issue::issuer(role, key, pair, root.as_deref(), self.0.made).map(Arc::new)
        })
    }

    /// The key that an earlier authority left in the folder, or a new one.
    fn root_key(&self, key: Key) -> Result<KeyPair, Error> {
        let name = format!("{key}/root.key");
        if let Some((path, pem)) = self.0.folder.read(&name)? {
            return KeyPair::from_pem(key, &pem).map_err(|source| Error::Key { path, source });
        }
        let pair = KeyPair::generate(key)?;
        if self.0.folder.stays() {
            let pem = pem("PRIVATE KEY", pair.private()?.secret_der());
            self.0.folder.write(name, pem.as_bytes(), Secrecy::Private)?;
        }
        Ok(pair)
    }

    /// What the servers of this authority share.
    pub(crate) fn shared(&self) -> &Shared {
        &self.0.shared
    }

    fn leaf_key(&self, key: Key) -> Result<Arc<KeyPair>, Error> {
        self.0.leaf_keys.get_or_make(key, || Ok(Arc::new(KeyPair::generate(key)?)))
    }

    fn certificate_file(
        &self,
        name: String,
        make: impl FnOnce() -> Result<CertificateDer<'static>, Error>,
    ) -> Result<PathBuf, Error> {
        self.file(name, || Ok(pem("CERTIFICATE", &make()?)))
    }

    fn file(
        &self,
        name: String,
        make: impl FnOnce() -> Result<String, Error>,
    ) -> Result<PathBuf, Error> {
        self.0.files.get_or_make(name.clone(), || {
            self.0.folder.write(&name, make()?.as_bytes(), Secrecy::Public)
        })
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("directory", &self.directory()).finish_non_exhaustive()
    }
}

impl Identity {
    /// The certificate that names the server.
    #[must_use]
    pub fn leaf(&self) -> &CertificateDer<'static> {
        &self.chain[0]
    }
}
