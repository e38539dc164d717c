//! Private keys in the one form that native-tls takes, PKCS #8 (RFC 5208), whatever form the file has.

use rustls_pki_types::PrivateKeyDer;
use x509_parser::asn1_rs::{Any, Class, FromDer, Tag};

/// rsaEncryption with its NULL parameters (RFC 8017, appendix A.1).
const RSA: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
/// id-ecPublicKey (RFC 5480, section 2.1.1), without the curve.
const EC: &[u8] = &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

/// The key as PKCS #8, DER; none where that cannot be told from the key (an EC key that does not name its curve).
pub(super) fn encode(key: &PrivateKeyDer<'_>) -> Option<Vec<u8>> {
    match key {
        PrivateKeyDer::Pkcs8(key) => Some(key.secret_pkcs8_der().to_vec()),
        PrivateKeyDer::Pkcs1(key) => Some(wrap(RSA, key.secret_pkcs1_der())),
        PrivateKeyDer::Sec1(key) => {
            let key = key.secret_sec1_der();
            let algorithm = element(0x30, &[EC, curve(key)?].concat());
            Some(wrap(&algorithm, key))
        }
        _ => None,
    }
}

fn wrap(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    const VERSION: &[u8] = &[0x02, 0x01, 0x00];
    element(0x30, &[VERSION, algorithm, &element(0x04, key)].concat())
}

/// The parameters of an ECPrivateKey (RFC 5915, section 3): what stands in its element `[0]`.
fn curve(key: &[u8]) -> Option<&[u8]> {
    let (_, sequence) = Any::from_der(key).ok()?;
    let mut rest = sequence.data;
    while !rest.is_empty() {
        let (behind, any) = Any::from_der(rest).ok()?;
        if any.class() == Class::ContextSpecific && any.tag() == Tag(0) {
            return Some(any.data);
        }
        rest = behind;
    }
    None
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant =
        &length[length.iter().position(|&byte| byte != 0).unwrap_or(length.len() - 1)..];
    let mut der = vec![tag];
    if content.len() < 0x80 {
        der.push(content.len() as u8);
    } else {
        der.push(0x80 | significant.len() as u8);
        der.extend_from_slice(significant);
    }
    der.extend_from_slice(content);
    der
}
