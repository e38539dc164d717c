//! Every certificate and key of an authority, each made at first use and once.

use std::sync::Arc;

use rcgen::SerialNumber;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};
use time::OffsetDateTime;

use super::{
    cache::Cache,
    client::ClientCertificate,
    error::Error,
    folder::{Folder, Secrecy, pem},
    identity::Identity,
    issue::{self, Issuer, Role},
    key::KeyPair,
};
use crate::axes::{Certificate, Key};

/// The authorities, the server's leaves, and their keys.
pub(super) struct Certificates {
    /// Where the roots' keys stay.
    folder: Arc<Folder>,
    /// All dates count from here.
    made: OffsetDateTime,
    issuers: Cache<(Role, Key), Arc<Issuer>>,
    leaf_keys: Cache<Key, Arc<KeyPair>>,
    leaves: Cache<(Certificate, Key), Leaf>,
}

/// A leaf that was shown stays the leaf.
#[derive(Clone)]
struct Leaf {
    identity: Arc<Identity>,
    /// For its revocation.
    serial: SerialNumber,
}

impl Certificates {
    pub(super) fn new(folder: Arc<Folder>) -> Self {
        Self {
            folder,
            made: OffsetDateTime::now_utc(),
            issuers: Cache::default(),
            leaf_keys: Cache::default(),
            leaves: Cache::default(),
        }
    }

    /// Whether such a leaf's key is made.
    pub(super) fn has_leaf_key(&self, key: Key) -> bool {
        self.leaf_keys.has(&key)
    }

    /// What the server shows.
    pub(super) fn identity(
        &self,
        certificate: Certificate,
        key: Key,
    ) -> Result<Arc<Identity>, Error> {
        self.leaf(certificate, key).map(|leaf| leaf.identity)
    }

    /// The same, with the root at the end of the chain; what signed itself is its own root.
    pub(super) fn identity_with_root(
        &self,
        certificate: Certificate,
        key: Key,
    ) -> Result<Arc<Identity>, Error> {
        let identity = self.identity(certificate, key)?;
        let Some(issuer) = Role::of(certificate) else { return Ok(identity) };
        let root = self.authority(issuer.root(), key)?;
        Ok(Arc::new(identity.followed_by(root)))
    }

    /// An authority's certificate.
    pub(super) fn authority(&self, role: Role, key: Key) -> Result<CertificateDer<'static>, Error> {
        Ok(self.issuer(role, key)?.der().clone())
    }

    /// A new client's certificate with its key.
    pub(super) fn client(
        &self,
        which: ClientCertificate,
        key: Key,
    ) -> Result<(CertificateDer<'static>, KeyPair), Error> {
        let role = match which {
            ClientCertificate::Right => Role::Root,
            ClientCertificate::Wrong => Role::WrongRoot,
        };
        let pair = KeyPair::generate(key).map_err(Error::random)?;
        let issuer = self.issuer(role, key)?;
        let certificate = issue::client(&pair, &issuer, self.made)?;
        Ok((certificate, pair))
    }

    /// The root's revocation list: the `revoked` leaf, and valid now.
    pub(super) fn revocation_list(
        &self,
        key: Key,
    ) -> Result<CertificateRevocationListDer<'static>, Error> {
        let revoked = self.leaf(Certificate::Revoked, key)?;
        let root = self.issuer(Role::Root, key)?;
        issue::revocation_list(&revoked.serial, &root, self.made)
    }

    fn leaf(&self, certificate: Certificate, key: Key) -> Result<Leaf, Error> {
        self.leaves.get_or_make((certificate, key), || {
            let pair = self.leaf_key(key)?;
            let issuer = Role::of(certificate).map(|role| self.issuer(role, key));
            let issuer = issuer.transpose()?;
            let (leaf, serial) = issue::server(certificate, &pair, issuer.as_deref(), self.made)?;
            let sent = issuer.filter(|_| certificate == Certificate::WithIntermediate);
            let sent = sent.map(|issuer| issuer.der().clone());
            let private = pair.private().map_err(Error::random)?;
            Ok(Leaf { identity: Arc::new(Identity::new(leaf, sent, private)), serial })
        })
    }

    fn issuer(&self, role: Role, key: Key) -> Result<Arc<Issuer>, Error> {
        self.issuers.get_or_make((role, key), || {
            let root = match role {
                Role::Intermediate => Some(self.issuer(Role::Root, key)?),
                Role::Root | Role::WrongRoot | Role::UnknownRoot => None,
            };
            let pair = match role {
                Role::Root => root_key(key, &self.folder)?,
                _ => KeyPair::generate(key).map_err(Error::random)?,
            };
            issue::issuer(role, key, pair, root.as_deref(), self.made).map(Arc::new)
        })
    }

    fn leaf_key(&self, key: Key) -> Result<Arc<KeyPair>, Error> {
        self.leaf_keys
            .get_or_make(key, || KeyPair::generate(key).map(Arc::new).map_err(Error::random))
    }
}

/// The key that an earlier authority left in the folder, or a new one.
fn root_key(key: Key, folder: &Folder) -> Result<KeyPair, Error> {
    let name = format!("{key}/root.key");
    if let Some((path, pem)) = folder.read(&name)? {
        return KeyPair::from_pem(key, &pem)
            .map_err(|source| Error::Key { path, source: source.into() });
    }
    let pair = KeyPair::generate(key).map_err(Error::random)?;
    if folder.stays() {
        let private = pair.private().map_err(Error::random)?;
        let pem = pem("PRIVATE KEY", private.secret_der());
        folder.write(name, pem.as_bytes(), Secrecy::Private)?;
    }
    Ok(pair)
}
