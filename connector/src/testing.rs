//! What the unit tests share: certificates that rcgen does not make.

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509Name};

/// A self-signed RSA certificate of version 1 for CN `localhost`, signed with this hash, and its key.
pub(crate) fn version_1(digest: MessageDigest) -> (X509, PKey<Private>) {
    let key = PKey::from_rsa(Rsa::generate(2048).expect("key")).expect("key");
    let mut name = X509Name::builder().expect("name");
    name.append_entry_by_text("CN", "localhost").expect("name");
    let name = name.build();
    let mut builder = X509::builder().expect("builder");
    builder.set_version(0).expect("version");
    let serial = BigNum::from_u32(7).and_then(|n| n.to_asn1_integer()).expect("serial");
    builder.set_serial_number(&serial).expect("serial");
    builder.set_subject_name(&name).expect("subject");
    builder.set_issuer_name(&name).expect("issuer");
    builder.set_not_before(&Asn1Time::days_from_now(0).expect("time")).expect("time");
    builder.set_not_after(&Asn1Time::days_from_now(30).expect("time")).expect("time");
    builder.set_pubkey(&key).expect("key");
    builder.sign(&key, digest).expect("signature");
    (builder.build(), key)
}

/// The same, only its DER.
pub(crate) fn rsa_certificate(digest: MessageDigest) -> Vec<u8> {
    version_1(digest).0.to_der().expect("DER")
}
