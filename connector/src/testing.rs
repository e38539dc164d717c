//! What the unit tests share: one seed for all chance, and certificates that rcgen does not make.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509Name};
use proptest::test_runner::{Config, RngSeed};

/// Where all chance of this run comes from: what `PGTLS_SEED` says (up to 16 hexadecimal digits), or a number that the
/// system draws. Keys are apart: the libraries draw those themselves.
static SEED: LazyLock<u64> = LazyLock::new(|| match std::env::var("PGTLS_SEED") {
    Ok(text) => u64::from_str_radix(&text, 16).expect("PGTLS_SEED has up to 16 hexadecimal digits"),
    Err(_) => RandomState::new().hash_one(0),
});

/// proptest's settings with the run's seed, which it prints: a test that fails shows it.
pub(crate) fn seeded() -> Config {
    println!("PGTLS_SEED={:016x} brings these cases back", *SEED);
    Config { rng_seed: RngSeed::Fixed(*SEED), failure_persistence: None, ..Config::default() }
}

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
