//! The tls-server-end-point channel binding (RFC 5929, section 4.1).

use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use x509_parser::prelude::{AlgorithmIdentifier, FromDer, X509Certificate};
use x509_parser::signature_algorithm::RsaSsaPssParams;

/// The hash of the certificate (DER) by the hash of its own signature; MD5 and SHA-1 become SHA-256.
///
/// None where the signature names no hash (Ed25519) or one that is unknown: then there is no such binding.
pub(crate) fn tls_server_end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let digest = match signature_hash(&parsed.signature_algorithm)? {
        Hash::Sha224 => Sha224::digest(certificate).to_vec(),
        Hash::Sha256 => Sha256::digest(certificate).to_vec(),
        Hash::Sha384 => Sha384::digest(certificate).to_vec(),
        Hash::Sha512 => Sha512::digest(certificate).to_vec(),
    };
    Some(digest)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hash {
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

fn signature_hash(algorithm: &AlgorithmIdentifier<'_>) -> Option<Hash> {
    match algorithm.algorithm.to_id_string().as_str() {
        // RSASSA-PSS names its hash in the parameters; SHA-1 is their default (RFC 8017, appendix A.2.3).
        "1.2.840.113549.1.1.10" => match algorithm.parameters.as_ref() {
            Some(parameters) => named_hash(
                &RsaSsaPssParams::try_from(parameters).ok()?.hash_algorithm_oid().to_id_string(),
            ),
            None => Some(Hash::Sha256),
        },
        oid => SIGNATURES.iter().find(|(known, _)| *known == oid).map(|(_, hash)| *hash),
    }
}

/// Signature algorithms that name one hash: RSA PKCS #1 (RFC 8017), ECDSA (RFC 5758), DSA (RFC 5758).
const SIGNATURES: &[(&str, Hash)] = &[
    ("1.2.840.113549.1.1.4", Hash::Sha256), // MD5
    ("1.2.840.113549.1.1.5", Hash::Sha256), // SHA-1
    ("1.2.840.113549.1.1.14", Hash::Sha224),
    ("1.2.840.113549.1.1.11", Hash::Sha256),
    ("1.2.840.113549.1.1.12", Hash::Sha384),
    ("1.2.840.113549.1.1.13", Hash::Sha512),
    ("1.2.840.10045.4.1", Hash::Sha256), // SHA-1
    ("1.2.840.10045.4.3.1", Hash::Sha224),
    ("1.2.840.10045.4.3.2", Hash::Sha256),
    ("1.2.840.10045.4.3.3", Hash::Sha384),
    ("1.2.840.10045.4.3.4", Hash::Sha512),
    ("1.2.840.10040.4.3", Hash::Sha256), // SHA-1
    ("2.16.840.1.101.3.4.3.1", Hash::Sha224),
    ("2.16.840.1.101.3.4.3.2", Hash::Sha256),
];

fn named_hash(oid: &str) -> Option<Hash> {
    match oid {
        "1.2.840.113549.2.5" | "1.3.14.3.2.26" => Some(Hash::Sha256), // MD5, SHA-1
        "2.16.840.1.101.3.4.2.4" => Some(Hash::Sha224),
        "2.16.840.1.101.3.4.2.1" => Some(Hash::Sha256),
        "2.16.840.1.101.3.4.2.2" => Some(Hash::Sha384),
        "2.16.840.1.101.3.4.2.3" => Some(Hash::Sha512),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn self_signed(algorithm: &'static rcgen::SignatureAlgorithm) -> Vec<u8> {
        let key = rcgen::KeyPair::generate_for(algorithm).expect("key");
        let parameters =
            rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("names");
        parameters.self_signed(&key).expect("certificate").der().to_vec()
    }

    #[test]
    fn the_hash_is_the_signatures() {
        let p256 = self_signed(&rcgen::PKCS_ECDSA_P256_SHA256);
        assert_eq!(tls_server_end_point(&p256), Some(Sha256::digest(&p256).to_vec()));
        let p384 = self_signed(&rcgen::PKCS_ECDSA_P384_SHA384);
        assert_eq!(tls_server_end_point(&p384), Some(Sha384::digest(&p384).to_vec()));
    }

    #[test]
    fn ed25519_names_no_hash() {
        assert_eq!(tls_server_end_point(&self_signed(&rcgen::PKCS_ED25519)), None);
        assert_eq!(tls_server_end_point(b"not a certificate"), None);
    }

    #[test]
    fn openssl_agrees_on_pss_and_sha1() {
        use openssl::hash::MessageDigest;
        let sha1 = crate::testing::rsa_certificate(MessageDigest::sha1());
        assert_eq!(tls_server_end_point(&sha1), Some(Sha256::digest(&sha1).to_vec()));
        let sha512 = crate::testing::rsa_certificate(MessageDigest::sha512());
        assert_eq!(tls_server_end_point(&sha512), Some(Sha512::digest(&sha512).to_vec()));
    }
}
