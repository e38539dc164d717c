//! Which certificates are trusted: the entries of a root file, or of the system's store.

use rustls_pki_types::CertificateDer;

use super::verify::{Certificate, Name};

/// A root file (or the system's store), in its order. As for OpenSSL, every entry may be a link of a chain, and only a
/// self-signed one its end.
#[derive(Debug, Default)]
pub(super) struct Store {
    entries: Vec<Certificate>,
}

impl Store {
    /// Takes the entries in. One that cannot be read is left out, so that nothing can chain to it.
    pub(super) fn new(certificates: &[CertificateDer<'static>]) -> Store {
        let mut entries: Vec<Certificate> = Vec::with_capacity(certificates.len());
        for certificate in certificates {
            match Certificate::read(certificate) {
                Ok(entry) => entries.push(entry),
                Err(error) => {
                    tracing::debug!(%error, "a root certificate cannot be read and is left out");
                }
            }
        }
        Store { entries }
    }

    /// The entries of this name, in order.
    pub(super) fn named<'a>(&'a self, name: &'a Name) -> impl Iterator<Item = &'a Certificate> {
        self.entries.iter().filter(move |entry| entry.is_named(name))
    }
}
