//! Keys and their signatures, by OpenSSL.
//!
//! Not by AWS-LC, which would serve rcgen too: its first random number costs a process some
//! 40 ms (CPU jitter entropy), which is ten times what the authority takes; it has to be paid
//! for a TLS handshake, but not before the server listens.

use openssl::{
    bn::BigNumContext,
    ec::{EcGroup, EcKey, PointConversionForm},
    error::ErrorStack,
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    rsa::Rsa,
    sign::Signer,
};
use rcgen::{PublicKeyData, SignatureAlgorithm, SigningKey};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::axes::Key;

/// A key of one of the axis' types.
pub(super) struct KeyPair {
    kind: Key,
    private: PKey<Private>,
    /// What a certificate holds of it: a point, an RSAPublicKey or 32 bytes.
    public: Vec<u8>,
}

impl KeyPair {
    pub(super) fn generate(kind: Key) -> Result<Self, ErrorStack> {
        let (private, public) = match kind {
            Key::P256 => {
                let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
                let key = EcKey::generate(&group)?;
                let mut context = BigNumContext::new()?;
                let form = PointConversionForm::UNCOMPRESSED;
                let public = key.public_key().to_bytes(&group, form, &mut context)?;
                (PKey::from_ec_key(key)?, public)
            }
            Key::Rsa2048 => {
                let key = Rsa::generate(2048)?;
                let public = key.public_key_to_der_pkcs1()?;
                (PKey::from_rsa(key)?, public)
            }
            Key::Ed25519 => {
                let key = PKey::generate_ed25519()?;
                let public = key.raw_public_key()?;
                (key, public)
            }
        };
        Ok(Self { kind, private, public })
    }

    /// PKCS#8, version 1: the only one that OpenSSL's clients read for Ed25519.
    pub(super) fn private(&self) -> Result<PrivateKeyDer<'static>, ErrorStack> {
        let der = self.private.private_key_to_pkcs8()?;
        Ok(PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der)))
    }
}

impl PublicKeyData for KeyPair {
    fn der_bytes(&self) -> &[u8] {
        &self.public
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        match self.kind {
            Key::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            Key::Rsa2048 => &rcgen::PKCS_RSA_SHA256,
            Key::Ed25519 => &rcgen::PKCS_ED25519,
        }
    }
}

impl SigningKey for KeyPair {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signer = match self.kind {
            Key::P256 | Key::Rsa2048 => Signer::new(MessageDigest::sha256(), &self.private),
            Key::Ed25519 => Signer::new_without_digest(&self.private),
        };
        signer
            .and_then(|mut signer| signer.sign_oneshot_to_vec(message))
            .map_err(|_| rcgen::Error::RemoteKeyError)
    }
}
