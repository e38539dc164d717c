//! Which certificates are trusted: the entries of a root file, or of the system's store.

use rustls_pki_types::CertificateDer;

use super::certificate::Certificate;
use super::der::Malformed;
use super::names::Name;

/// A root file (or the system's store), in its order. As for OpenSSL, every entry may be a link of a chain, and only a
/// self-signed one its end.
#[derive(Debug, Default)]
pub(in crate::tls) struct Store {
    entries: Vec<Certificate>,
}

impl Store {
    /// Takes in the entries of a file.
    ///
    /// # Errors
    /// One of them cannot be read: OpenSSL then takes none of them.
    pub(in crate::tls) fn of_file(
        certificates: &[CertificateDer<'static>],
    ) -> Result<Store, Malformed> {
        let entries = certificates.iter().map(|certificate| Certificate::read(certificate));
        Ok(Store { entries: entries.collect::<Result<_, _>>()? })
    }

    /// Takes in the system's. One that cannot be read is left out, so that nothing can chain to it.
    pub(in crate::tls) fn of_system(certificates: &[CertificateDer<'static>]) -> Store {
        let mut store = Store::default();
        for certificate in certificates {
            match Certificate::read(certificate) {
                Ok(entry) => store.entries.push(entry),
                Err(error) => {
                    tracing::debug!(%error, "a root certificate cannot be read and is left out");
                }
            }
        }
        store
    }

    /// The entries of this name, in order.
    pub(super) fn named<'a>(&'a self, name: &'a Name) -> impl Iterator<Item = &'a Certificate> {
        self.entries.iter().filter(move |entry| entry.is_named(name))
    }
}
