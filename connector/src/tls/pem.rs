//! Certificates, keys and lists as PEM.

use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::error::Fault;

/// The certificates of a PEM text, at least one.
pub(super) fn certificates(pem: &[u8], from: &str) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let certificates = every_certificate(pem, from)?;
    // OpenSSL takes no file of which it cannot read a part.
    if let Some(error) = certificates.iter().find_map(|der| X509Certificate::from_der(der).err()) {
        return Err(Fault::BadFile {
            what: "certificate file",
            from: from.to_owned(),
            reason: error.to_string(),
        });
    }
    match certificates.is_empty() {
        true => Err(Fault::NoCertificate(from.to_owned())),
        false => Ok(certificates),
    }
}

/// The certificates of a PEM text, which may hold none, and whatever their DER says.
pub(super) fn every_certificate(
    pem: &[u8],
    from: &str,
) -> Result<Vec<CertificateDer<'static>>, Fault> {
    CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(malformed("certificate file", from))
}

/// The revocation lists of a PEM text, which may hold none.
pub(super) fn revocation_lists(
    text: &[u8],
    from: &str,
) -> Result<Vec<CertificateRevocationListDer<'static>>, Fault> {
    CertificateRevocationListDer::pem_slice_iter(text)
        .collect::<Result<_, _>>()
        .map_err(malformed("revocation list", from))
}

/// A private key as PEM, or (as libpq takes it too) as DER.
pub(super) fn private_key(text: &[u8], from: &str) -> Result<PrivateKeyDer<'static>, Fault> {
    PrivateKeyDer::from_pem_slice(text).or_else(|error| {
        PrivateKeyDer::try_from(text)
            .map(|key| key.clone_key())
            .map_err(|_| malformed("private key", from)(error))
    })
}

/// In our own words: the library's text quotes the line at fault, and with blanks or a literal `\n` in place of line
/// breaks that line is the whole private key.
fn malformed(what: &'static str, from: &str) -> impl FnOnce(pem::Error) -> Fault {
    let from = from.to_owned();
    move |error| {
        let reason = match error {
            pem::Error::MissingSectionEnd { .. } => {
                "a PEM section has no end line (are its line breaks real ones?)"
            }
            pem::Error::IllegalSectionStart { .. } => {
                "the first line of a PEM section is malformed (are its line breaks real ones?)"
            }
            pem::Error::Base64Decode(_) => "a PEM section is not base64",
            pem::Error::NoItemsFound => "there is none in it",
            _ => "it cannot be read as PEM",
        };
        Fault::BadFile { what, from, reason: reason.to_owned() }
    }
}
