//! Files of certificates, lists and keys.

use openssl::x509::X509;
use rustls_pki_types::CertificateDer;

use super::pem::{certificates, every_certificate, private_key, revocation_lists};
use super::pkcs8;
use super::verify::Store;
pub use super::verify::fuzzing::{certificate, revocation_list};

/// A root file: whatever it holds, no part of it is quoted; and what is trusted for it OpenSSL finds there, too.
pub fn root_file(data: &[u8]) {
    let from = "root.crt";
    let roots = certificates(data, from);
    let all = every_certificate(data, from);
    let lists = revocation_lists(data, from);
    let key = private_key(data, from);
    let errors = [
        roots.as_ref().err().map(ToString::to_string),
        all.as_ref().err().map(ToString::to_string),
        lists.err().map(|error| error.to_string()),
        key.as_ref().err().map(ToString::to_string),
    ];
    for error in errors.into_iter().flatten() {
        // A key's lines have 64 characters; no word of ours has half of that.
        let mut words = data.split(u8::is_ascii_whitespace).filter(|word| word.len() > 30);
        assert!(!words.any(|word| holds(error.as_bytes(), word)), "{error}");
    }
    if let Ok(key) = &key
        && let Some(der) = pkcs8::encode(key)
    {
        assert_eq!(der.first(), Some(&0x30));
    }
    let Ok(roots) = roots else { return };
    assert_eq!(roots, all.expect("all of them are read"));
    let written: Vec<pem::Pem> =
        roots.iter().map(|der| pem::Pem::new("CERTIFICATE", der.to_vec())).collect();
    let written = pem::encode_many(&written);
    assert_eq!(certificates(written.as_bytes(), from).expect("our own file"), roots);
    // OpenSSL takes no file of which any section is malformed, and certificates under other labels, too.
    if Store::of_file(&roots).is_ok()
        && let Ok(openssl) = X509::stack_from_pem(data)
    {
        let openssl: Vec<_> = openssl
            .iter()
            .map(|found| CertificateDer::from(found.to_der().expect("DER")))
            .collect();
        assert!(roots.iter().all(|root| openssl.contains(root)), "trusted here alone");
    }
}

fn holds(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
