//! Signatures on certificates and lists, and the keys that made them.

use rustls::SignatureScheme;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls_pki_types::SignatureVerificationAlgorithm;

use super::der::{self, BIT_STRING, INTEGER, OBJECT_IDENTIFIER, Reader, Result, SEQUENCE, Value};

/// What is signed, and its signature (RFC 5280, section 4.1.1).
#[derive(Debug, Clone)]
pub(super) struct Signed {
    message: Vec<u8>,
    /// The AlgorithmIdentifier's contents, as providers name algorithms.
    algorithm: Vec<u8>,
    signature: Vec<u8>,
    /// Whether the same algorithm is named within what is signed (section 4.1.1.2).
    is_consistent: bool,
    /// Which kind of key makes such signatures; none if that is not known here.
    pub(super) signer: Option<KeyKind>,
}

/// Kinds of key that OpenSSL tells apart when it looks for an issuer (`check_sig_alg_match`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyKind {
    Rsa,
    RsaPss,
    EllipticCurve,
    Ed25519,
}

/// Why a signature does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// The key did not make it.
    Wrong,
    /// The provider has no such algorithm.
    Unsupported,
}

/// A certificate's public key.
#[derive(Debug, Clone)]
pub(super) struct Key {
    /// None for what rustls has no use for, DSA for one.
    pub(super) kind: Option<KeyKind>,
    /// The AlgorithmIdentifier's contents.
    algorithm: Vec<u8>,
    bits: Vec<u8>,
}

impl Signed {
    /// Takes `der` apart, and gives a reader of what is signed.
    pub(super) fn read(der: &[u8]) -> Result<(Signed, Reader<'_>)> {
        let mut reader = Reader::new(der::only(der, SEQUENCE)?);
        let message = reader.expect(SEQUENCE)?;
        let algorithm = reader.expect(SEQUENCE)?.contents;
        algorithm_kind(algorithm)?;
        let signature = der::bytes(reader.expect(BIT_STRING)?.contents)?.to_vec();
        reader.finish()?;
        let signed = Signed {
            message: message.whole.to_vec(),
            algorithm: algorithm.to_vec(),
            signature,
            is_consistent: false,
            signer: None,
        };
        Ok((signed, Reader::new(message.contents)))
    }

    /// Notes the algorithm that is named within what is signed, by which OpenSSL looks for an issuer.
    pub(super) fn note_inner_algorithm(&mut self, inner: Value<'_>) -> Result<()> {
        self.is_consistent = inner.contents == self.algorithm;
        self.signer = signer(algorithm_kind(inner.contents)?);
        Ok(())
    }

    /// Whether this key made the signature, by an algorithm that the provider has.
    pub(super) fn check(
        &self,
        key: &Key,
        algorithms: &WebPkiSupportedAlgorithms,
    ) -> std::result::Result<(), Refused> {
        if !self.is_consistent {
            return Err(Refused::Wrong);
        }
        let fitting = algorithms
            .all
            .iter()
            .filter(|known| known.signature_alg_id().as_ref() == self.algorithm)
            .filter(|known| known.public_key_alg_id().as_ref() == key.algorithm);
        let mut refused = Refused::Unsupported;
        for known in fitting {
            match known.verify_signature(&key.bits, &self.message, &self.signature) {
                Ok(()) => return Ok(()),
                Err(_) => refused = Refused::Wrong,
            }
        }
        Err(refused)
    }
}

impl Key {
    /// Reads a SubjectPublicKeyInfo.
    pub(super) fn read(der: &[u8]) -> Result<Key> {
        let mut reader = Reader::new(der::only(der, SEQUENCE)?);
        let algorithm = reader.expect(SEQUENCE)?.contents;
        let bits = der::bytes(reader.expect(BIT_STRING)?.contents)?.to_vec();
        reader.finish()?;
        let kind = match algorithm_kind(algorithm)? {
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01] => Some(KeyKind::Rsa),
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a] => Some(KeyKind::RsaPss),
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01] => Some(KeyKind::EllipticCurve),
            [0x2b, 0x65, 0x70] => Some(KeyKind::Ed25519),
            _ => None,
        };
        Ok(Key { kind, algorithm: algorithm.to_vec(), bits })
    }

    /// Whether it made this signature of the message, by this algorithm.
    pub(super) fn made(
        &self,
        signature: &[u8],
        message: &[u8],
        algorithm: &dyn SignatureVerificationAlgorithm,
    ) -> bool {
        algorithm.public_key_alg_id().as_ref() == self.algorithm
            && algorithm.verify_signature(&self.bits, message, signature).is_ok()
    }

    /// Whether the provider has a use for it, and it is as strong as OpenSSL's security level 2 asks: RSA of 2,048
    /// bits; the curves that providers have are.
    pub(super) fn is_strong(&self, algorithms: &WebPkiSupportedAlgorithms) -> bool {
        const FEWEST_BITS: usize = 2048;
        let known =
            algorithms.all.iter().any(|known| known.public_key_alg_id().as_ref() == self.algorithm);
        let long = || -> Result<bool> {
            let mut reader = Reader::new(der::only(&self.bits, SEQUENCE)?);
            let modulus = der::integer(reader.expect(INTEGER)?.contents)?;
            let digits = modulus.strip_prefix(&[0]).unwrap_or(modulus);
            let leading = digits.first().map_or(0, |digit| digit.leading_zeros() as usize);
            Ok(8 * digits.len() - leading >= FEWEST_BITS)
        };
        known && (self.kind != Some(KeyKind::Rsa) || long() == Ok(true))
    }
}

/// Reads an AlgorithmIdentifier's contents: which algorithm, and parameters, whatever they are.
fn algorithm_kind(contents: &[u8]) -> Result<&[u8]> {
    let mut reader = Reader::new(contents);
    let kind = reader.expect(OBJECT_IDENTIFIER)?.contents;
    if !reader.is_empty() {
        reader.value()?;
    }
    reader.finish().map(|()| kind)
}

/// Which kind of key makes signatures of this algorithm: all that OpenSSL knows of RSA and of elliptic curves, because
/// a root's own signature is looked at no further.
fn signer(algorithm: &[u8]) -> Option<KeyKind> {
    const PKCS_1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
    const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04];
    if let Some(rest) = algorithm.strip_prefix(PKCS_1) {
        return match rest {
            // With MD2, MD5, SHA-1, SHA-256, -384, -512, -224, and -512/224 and -512/256.
            [2 | 4 | 5 | 11..=16] => Some(KeyKind::Rsa),
            [10] => Some(KeyKind::RsaPss),
            _ => None,
        };
    }
    match algorithm.strip_prefix(ECDSA) {
        // With SHA-1, and SHA-224, -256, -384 and -512.
        Some([1] | [3, 1..=4]) => Some(KeyKind::EllipticCurve),
        _ if algorithm == [0x2b, 0x65, 0x70] => Some(KeyKind::Ed25519),
        _ => None,
    }
}

/// Whether OpenSSL wants digitalSignature in the key usage of a certificate that signs by this scheme in TLS 1.2
/// (`ssl_check_srvr_ecc_cert_and_alg`).
pub(super) fn wants_signing_key(scheme: SignatureScheme) -> bool {
    matches!(
        scheme,
        SignatureScheme::ECDSA_SHA1_Legacy
            | SignatureScheme::ECDSA_NISTP256_SHA256
            | SignatureScheme::ECDSA_NISTP384_SHA384
            | SignatureScheme::ECDSA_NISTP521_SHA512
            | SignatureScheme::ED25519
    )
}
