//! The authority: its certificates, and their files for clients that want paths.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls_pki_types::CertificateDer;

use super::{
    cache::Cache,
    certificates::Certificates,
    client::{ClientCertificate, ClientFiles},
    error::Error,
    folder::{Folder, Secrecy, pem},
    identity::Identity,
    issue::Role,
};
use crate::{
    axes::{Certificate, Key},
    shared::Shared,
    tls::{Context, ContextKey},
};

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
/// assert_eq!(identity.chain().len(), 2);
/// assert!(authority.root_path(Key::P256)?.starts_with(authority.directory()));
/// # Ok::<(), pgtls_mock_server::pki::Error>(())
/// ```
#[derive(Clone)]
pub struct Authority(Arc<Inner>);

struct Inner {
    folder: Arc<Folder>,
    certificates: Certificates,
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
        let folder = Arc::new(folder);
        Self(Arc::new(Inner {
            certificates: Certificates::new(Arc::clone(&folder)),
            folder,
            client_files: Cache::default(),
            files: Cache::default(),
            shared: Shared::default(),
        }))
    }

    /// Whether a server with such keys can be set up at once: an RSA key may have to be made first.
    pub(crate) fn is_quick(&self, key: Key) -> bool {
        key != Key::Rsa2048 || self.0.certificates.has_leaf_key(key)
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
        self.0.certificates.identity(certificate, key)
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
        self.0.certificates.identity_with_root(certificate, key)
    }

    /// The root that issued the server's certificates, and the right client certificates.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn root(&self, key: Key) -> Result<CertificateDer<'static>, Error> {
        self.certificate(Role::Root, key)
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
            self.certificate(Role::WrongRoot, key)
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
            let list = self.0.certificates.revocation_list(key)?;
            Ok(pem("X509 CRL", &list))
        })
    }

    /// A client's certificate and key, for the user [`CLIENT_USER`](super::CLIENT_USER).
    ///
    /// # Errors
    /// When they cannot be made or written.
    pub fn client_identity(
        &self,
        which: ClientCertificate,
        key: Key,
    ) -> Result<ClientFiles, Error> {
        let name = match which {
            ClientCertificate::Right => "client",
            ClientCertificate::Wrong => "wrong-client",
        };
        self.0.client_files.get_or_make((which, key), || {
            let (certificate, pair) = self.0.certificates.client(which, key)?;
            let private = pair.private().map_err(Error::random)?;
            let write = |extension, content: String, secrecy| {
                let name = format!("{key}/{name}.{extension}");
                self.0.folder.write(name, content.as_bytes(), secrecy)
            };
            Ok(ClientFiles {
                certificate: write("crt", pem("CERTIFICATE", &certificate), Secrecy::Public)?,
                key: write("key", pem("PRIVATE KEY", private.secret_der()), Secrecy::Private)?,
            })
        })
    }

    /// What the servers of this authority share.
    pub(crate) fn shared(&self) -> &Shared {
        &self.0.shared
    }

    /// The TLS context for these settings, made once.
    pub(crate) fn tls_context(&self, key: ContextKey) -> Result<Arc<Context>, crate::Error> {
        self.0.shared.context(key, || {
            let identity = if key.settings.send_root {
                self.identity_with_root(key.certificate, key.key)?
            } else {
                self.identity(key.certificate, key.key)?
            };
            let client_root = key.client_certificates.then(|| self.root(key.key)).transpose()?;
            Context::new(&identity, client_root, key.tls, key.tickets())
        })
    }

    /// An authority's certificate.
    pub(super) fn certificate(
        &self,
        role: Role,
        key: Key,
    ) -> Result<CertificateDer<'static>, Error> {
        self.0.certificates.authority(role, key)
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
