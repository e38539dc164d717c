//! The channel binding `tls-server-end-point` of a certificate (RFC 5929, section 4.1).

use openssl::{
    hash::{MessageDigest, hash},
    nid::Nid,
    x509::X509,
};
use rustls_pki_types::CertificateDer;

/// The hash of a certificate by its signature's own hash, MD5 and SHA-1 replaced by SHA-256;
/// `None` where the signature's algorithm names no hash (Ed25519).
#[must_use]
pub fn server_end_point(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let parsed = X509::from_der(certificate).ok()?;
    let signature = parsed.signature_algorithm().object().nid().signature_algorithms()?;
    let digest = match signature.digest {
        Nid::MD5 | Nid::SHA1 => MessageDigest::sha256(),
        other => MessageDigest::from_nid(other)?,
    };
    hash(digest, certificate).ok().map(|hash| hash.to_vec())
}
