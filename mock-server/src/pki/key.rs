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
        let private = match kind {
            Key::P256 => PKey::from_ec_key(EcKey::generate(p256()?.as_ref())?)?,
            Key::Rsa2048 => PKey::from_rsa(Rsa::generate(2048)?)?,
            Key::Ed25519 => PKey::generate_ed25519()?,
        };
        Self::new(kind, private)
    }

    /// The key of such a type that stands in a PEM file.
    pub(super) fn from_pem(kind: Key, pem: &[u8]) -> Result<Self, ErrorStack> {
        Self::new(kind, PKey::private_key_from_pem(pem)?)
    }

    fn new(kind: Key, private: PKey<Private>) -> Result<Self, ErrorStack> {
        let public = match kind {
            Key::P256 => {
                let mut context = BigNumContext::new()?;
                let form = PointConversionForm::UNCOMPRESSED;
                private.ec_key()?.public_key().to_bytes(p256()?.as_ref(), form, &mut context)?
            }
            Key::Rsa2048 => private.rsa()?.public_key_to_der_pkcs1()?,
            Key::Ed25519 => private.raw_public_key()?,
        };
        Ok(Self { kind, private, public })
    }

    /// PKCS#8, version 1: the only one that OpenSSL's clients read for Ed25519.
    pub(super) fn private(&self) -> Result<PrivateKeyDer<'static>, ErrorStack> {
        let der = self.private.private_key_to_pkcs8()?;
        Ok(PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der)))
    }
}

fn p256() -> Result<EcGroup, ErrorStack> {
    EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)
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
