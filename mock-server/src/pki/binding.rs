//! The channel binding `tls-server-end-point` of a certificate (RFC 5929, section 4.1).

use rustls_pki_types::CertificateDer;
use sha2::{Digest, Sha256, Sha384, Sha512};
use x509_parser::{oid_registry as oid, prelude::FromDer, prelude::X509Certificate};

/// The hash of a certificate by its signature's own hash, MD5 and SHA-1 replaced by SHA-256;
/// `None` where the signature names no hash (Ed25519), or one that is not known here.
#[must_use]
pub fn server_end_point(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let algorithm = &parsed.signature_algorithm.algorithm;
    let is_one_of = |oids: &[oid::Oid<'_>]| oids.contains(algorithm);
    if is_one_of(&[
        oid::OID_PKCS1_MD5WITHRSAENC,
        oid::OID_PKCS1_SHA1WITHRSA,
        oid::OID_PKCS1_SHA256WITHRSA,
        oid::OID_SIG_ECDSA_WITH_SHA256,
    ]) {
        Some(Sha256::digest(certificate).to_vec())
    } else if is_one_of(&[oid::OID_PKCS1_SHA384WITHRSA, oid::OID_SIG_ECDSA_WITH_SHA384]) {
        Some(Sha384::digest(certificate).to_vec())
    } else if is_one_of(&[oid::OID_PKCS1_SHA512WITHRSA, oid::OID_SIG_ECDSA_WITH_SHA512]) {
        Some(Sha512::digest(certificate).to_vec())
    } else {
        None
    }
}
