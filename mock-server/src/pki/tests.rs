//! Every certificate of the axes, read by x509-parser and judged by OpenSSL.

use std::{fs, net::IpAddr, os::unix::fs::PermissionsExt, path::Path, sync::Arc};

use openssl::{
    pkey::PKey,
    ssl::SslFiletype,
    stack::Stack,
    x509::{
        X509, X509PurposeId, X509StoreContext, X509VerifyResult,
        store::{X509Lookup, X509StoreBuilder},
        verify::X509VerifyFlags,
    },
};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use x509_parser::{
    extensions::GeneralName,
    prelude::{FromDer, X509Certificate},
    revocation_list::{CertificateRevocationList, RevokedCertificate},
};

use super::{issue::Role, *};
use crate::axes::{Certificate, Key};

/// X509_V_ERR_*, from OpenSSL's x509_vfy.h.
mod verify_error {
    pub(super) const OK: i32 = 0;
    pub(super) const UNABLE_TO_GET_CRL: i32 = 3;
    pub(super) const NOT_YET_VALID: i32 = 9;
    pub(super) const HAS_EXPIRED: i32 = 10;
    pub(super) const SELF_SIGNED_LEAF: i32 = 18;
    pub(super) const NO_LOCAL_ISSUER: i32 = 20;
    pub(super) const REVOKED: i32 = 23;
    pub(super) const INVALID_PURPOSE: i32 = 26;
}

fn authority() -> Authority {
    Authority::generate().expect("a temporary folder")
}

/// Every certificate × key, with one authority for all: RSA keys take their time.
fn every(check: impl Fn(&Authority, Certificate, Key)) {
    let authority = authority();
    for &key in Key::ALL {
        for &certificate in Certificate::ALL {
            check(&authority, certificate, key);
        }
    }
}

fn parsed(der: &[u8]) -> X509Certificate<'_> {
    let (rest, parsed) = X509Certificate::from_der(der).expect("a certificate");
    assert!(rest.is_empty());
    parsed
}

#[test]
fn names_are_the_contracts() {
    every(|authority, certificate, key| {
        let identity = authority.identity(certificate, key).expect("an identity");
        let leaf = parsed(identity.leaf());
        let names = certificate.names();
        let common: Vec<_> =
            leaf.subject().iter_common_name().map(|cn| cn.as_str().expect("text")).collect();
        assert_eq!(common, Vec::from_iter(names.common_name), "{certificate} {key}");

        let sans = leaf.subject_alternative_name().expect("at most one");
        let general: &[_] = sans.as_ref().map_or(&[], |san| &san.value.general_names);
        let mut dns = Vec::new();
        let mut ips: Vec<IpAddr> = Vec::new();
        for name in general {
            match name {
                GeneralName::DNSName(name) => dns.push(*name),
                GeneralName::IPAddress(bytes) => {
                    let v4: [u8; 4] = (*bytes).try_into().expect("four bytes");
                    ips.push(v4.into());
                }
                other => panic!("{certificate} {key}: unexpected {other}"),
            }
        }
        assert_eq!((dns.as_slice(), ips.as_slice()), (names.dns, names.ips), "{certificate} {key}");
        assert_eq!(sans.is_some(), !(dns.is_empty() && ips.is_empty()), "{certificate} {key}");
    });
}

#[test]
fn validity_is_wide_except_where_it_is_the_point() {
    every(|authority, certificate, key| {
        let identity = authority.identity(certificate, key).expect("an identity");
        let validity = parsed(identity.leaf()).validity().clone();
        let now = OffsetDateTime::now_utc();
        let (begins, ends) = (validity.not_before.to_datetime(), validity.not_after.to_datetime());
        let hours = time::Duration::HOUR * 20;
        match certificate {
            Certificate::Expired => assert!(begins < ends && ends + hours < now, "{key}"),
            Certificate::NotYetValid => assert!(now + hours < begins && begins < ends, "{key}"),
            _ => assert!(begins + hours < now && now + hours < ends, "{certificate} {key}"),
        }
        let root = authority.root(key).expect("a root");
        let root = parsed(&root).validity().clone();
        assert!(root.not_before <= validity.not_before && validity.not_after <= root.not_after);
    });
}

#[test]
fn usages_flags_and_serials_are_as_they_should_be() {
    let serials = std::cell::RefCell::new(std::collections::HashSet::new());
    every(|authority, certificate, key| {
        let identity = authority.identity(certificate, key).expect("an identity");
        let leaf = parsed(identity.leaf());
        assert_eq!(leaf.version().0, 2, "{certificate} {key}: X.509v3");
        assert_eq!(leaf.is_ca(), certificate == Certificate::SelfSigned, "{certificate} {key}");
        let usage = leaf.extended_key_usage().expect("at most one").map(|usage| usage.value);
        let usage = usage.map(|usage| (usage.server_auth, usage.client_auth, usage.any));
        let wanted = match certificate {
            Certificate::SelfSigned => None,
            Certificate::ClientAuthOnly => Some((false, true, false)),
            _ => Some((true, false, false)),
        };
        assert_eq!(usage, wanted, "{certificate} {key}");
        let serial = leaf.raw_serial();
        assert!((1..=20).contains(&serial.len()) && (1..0x80).contains(&serial[0]), "{serial:?}");
        assert!(serials.borrow_mut().insert(serial.to_vec()), "{certificate} {key}: reused");
    });
}

#[test]
fn issuers_sign_and_are_linked() {
    every(|authority, certificate, key| {
        let identity = authority.identity(certificate, key).expect("an identity");
        let leaf = X509::from_der(identity.leaf()).expect("a certificate");
        let root = X509::from_der(&authority.root(key).expect("a root")).expect("a certificate");
        let intermediate = authority.certificate(Role::Intermediate, key).expect("an intermediate");
        let intermediate = X509::from_der(&intermediate).expect("a certificate");
        let unknown = authority.certificate(Role::UnknownRoot, key).expect("a root");
        let unknown = X509::from_der(&unknown).expect("a certificate");
        let issuer = match certificate {
            Certificate::SelfSigned => &leaf,
            Certificate::UnknownCa => &unknown,
            Certificate::MissingIntermediate | Certificate::WithIntermediate => &intermediate,
            _ => &root,
        };
        for candidate in [&leaf, &root, &intermediate, &unknown] {
            let signed = leaf.verify(&candidate.public_key().expect("a key")).expect("a verdict");
            let right = candidate.to_der().expect("DER") == issuer.to_der().expect("DER");
            assert_eq!(signed, right, "{certificate} {key}");
            assert_eq!(
                candidate.issued(&leaf) == X509VerifyResult::OK,
                right,
                "{certificate} {key}"
            );
        }
        let algorithm = parsed(identity.leaf()).signature_algorithm.algorithm.clone();
        let wanted = match key {
            Key::P256 => "1.2.840.10045.4.3.2",
            Key::Rsa2048 => "1.2.840.113549.1.1.11",
            Key::Ed25519 => "1.3.101.112",
        };
        assert_eq!(algorithm.to_id_string(), wanted, "{certificate} {key}");
        assert_eq!(
            identity.chain().len(),
            1 + usize::from(certificate == Certificate::WithIntermediate)
        );

        let private = PKey::private_key_from_pkcs8(identity.key().secret_der());
        let private = private.expect("a key that OpenSSL reads");
        assert!(private.public_eq(&leaf.public_key().expect("a key")), "{certificate} {key}");
    });
}

#[test]
fn only_the_authorities_are_authorities() {
    let authority = authority();
    for role in [Role::Root, Role::WrongRoot, Role::UnknownRoot, Role::Intermediate] {
        let issuer = authority.certificate(role, Key::P256).expect("an authority");
        let parsed = parsed(&issuer);
        assert!(parsed.is_ca(), "{role:?}");
        let usage = parsed.key_usage().expect("at most one").expect("one").value;
        assert!(usage.key_cert_sign() && usage.crl_sign(), "{role:?}");
        let is_root = parsed.subject() == parsed.issuer();
        assert_eq!(is_root, role != Role::Intermediate, "{role:?}");
    }
}

/// What OpenSSL says of the chain as a TLS client would ask, with or without the list.
fn verdict(identity: &Identity, root: &Path, crl: Option<&Path>) -> i32 {
    let mut store = X509StoreBuilder::new().expect("a store");
    store.set_purpose(X509PurposeId::SSL_SERVER).expect("a purpose");
    let root = fs::read(root).expect("a root file");
    for certificate in X509::stack_from_pem(&root).expect("PEM") {
        store.add_cert(certificate).expect("a root");
    }
    if let Some(crl) = crl {
        let lookup = store.add_lookup(X509Lookup::file()).expect("a lookup");
        lookup.load_crl_file(crl, SslFiletype::PEM).expect("a list");
        let flags = X509VerifyFlags::CRL_CHECK | X509VerifyFlags::CRL_CHECK_ALL;
        store.set_flags(flags).expect("flags");
    }
    let store = store.build();
    let mut chain = Stack::new().expect("a stack");
    for certificate in identity.chain() {
        chain.push(X509::from_der(certificate).expect("DER")).expect("room");
    }
    let leaf = X509::from_der(identity.leaf()).expect("DER");
    let mut context = X509StoreContext::new().expect("a context");
    context
        .init(&store, &leaf, &chain, |context| {
            context.verify_cert()?;
            Ok(context.error().as_raw())
        })
        .expect("a verdict")
}

#[test]
fn openssl_verifies_what_it_should_and_nothing_else() {
    every(|authority, certificate, key| {
        let identity = authority.identity(certificate, key).expect("an identity");
        let wanted = match certificate {
            Certificate::SelfSigned => verify_error::SELF_SIGNED_LEAF,
            Certificate::Expired => verify_error::HAS_EXPIRED,
            Certificate::NotYetValid => verify_error::NOT_YET_VALID,
            Certificate::UnknownCa | Certificate::MissingIntermediate => {
                verify_error::NO_LOCAL_ISSUER
            }
            Certificate::ClientAuthOnly => verify_error::INVALID_PURPOSE,
            _ => verify_error::OK,
        };
        let right = authority.root_path(key).expect("a file");
        assert_eq!(verdict(&identity, &right, None), wanted, "{certificate} {key}");

        let wrong = authority.wrong_root_path(key).expect("a file");
        assert_ne!(verdict(&identity, &wrong, None), verify_error::OK, "{certificate} {key}");

        let crl = authority.crl_path(key).expect("a file");
        let wanted = match certificate {
            Certificate::Revoked => verify_error::REVOKED,
            // The intermediate has no list of its own.
            Certificate::WithIntermediate => verify_error::UNABLE_TO_GET_CRL,
            _ => wanted,
        };
        assert_eq!(verdict(&identity, &right, Some(&crl)), wanted, "{certificate} {key} with CRL");
    });
}

#[test]
fn a_leaf_named_as_its_own_root_is_trusted_if_it_is_self_signed() {
    let authority = authority();
    let verdict = |certificate| {
        let identity = authority.identity(certificate, Key::P256).expect("an identity");
        let own = authority.server_certificate_path(certificate, Key::P256).expect("a file");
        verdict(&identity, &own, None)
    };
    assert_eq!(verdict(Certificate::SelfSigned), verify_error::OK);
    assert_ne!(verdict(Certificate::Valid), verify_error::OK);
}

#[test]
fn the_revocation_list_holds_the_revoked_leaf_alone_and_is_valid_now() {
    let authority = authority();
    for &key in Key::ALL {
        let file = fs::read(authority.crl_path(key).expect("a file")).expect("a file");
        let (_, block) = x509_parser::pem::parse_x509_pem(&file).expect("PEM");
        assert_eq!(block.label, "X509 CRL");
        let (_, list) = CertificateRevocationList::from_der(&block.contents).expect("a list");
        let revoked = authority.identity(Certificate::Revoked, key).expect("an identity");
        let revoked = parsed(revoked.leaf());
        let serials: Vec<_> =
            list.iter_revoked_certificates().map(RevokedCertificate::raw_serial).collect();
        assert_eq!(serials, [revoked.raw_serial()], "{key}");
        assert_eq!(list.issuer(), revoked.issuer(), "{key}");
        let now = OffsetDateTime::now_utc();
        assert!(list.last_update().to_datetime() < now, "{key}");
        assert!(list.next_update().expect("an end").to_datetime() > now, "{key}");
    }
}

#[test]
fn client_certificates_name_the_user_and_chain_to_their_roots() {
    let authority = authority();
    for &key in Key::ALL {
        for (which, root) in [
            (ClientCertificate::Right, authority.root_path(key)),
            (ClientCertificate::Wrong, authority.wrong_root_path(key)),
        ] {
            let files = authority.client_identity(which, key).expect("files");
            let pem = fs::read(files.certificate()).expect("a file");
            let certificate = X509::from_pem(&pem).expect("a certificate");
            let private = fs::read(files.key()).expect("a file");
            assert!(private.starts_with(b"-----BEGIN PRIVATE KEY-----\n"), "PKCS#8");
            let private = PKey::private_key_from_pem(&private).expect("a key");
            assert!(private.public_eq(&certificate.public_key().expect("a key")));
            let root = fs::read(root.expect("a file")).expect("a file");
            let root = X509::from_pem(&root).expect("a certificate");
            assert!(certificate.verify(&root.public_key().expect("a key")).expect("a verdict"));
            let der = certificate.to_der().expect("DER");
            let parsed = parsed(&der);
            let names: Vec<_> =
                parsed.subject().iter_common_name().map(|cn| cn.as_str().expect("text")).collect();
            assert_eq!(names, [CLIENT_USER]);
            let usage = parsed.extended_key_usage().expect("at most one").expect("one").value;
            assert!(usage.client_auth && !usage.server_auth);
        }
    }
}

#[test]
fn the_channel_binding_is_the_leafs_hash_or_nothing() {
    let authority = authority();
    for &key in Key::ALL {
        let identity = authority.identity(Certificate::WithIntermediate, key).expect("an identity");
        let wanted = (key != Key::Ed25519).then(|| Sha256::digest(identity.leaf()).to_vec());
        assert_eq!(identity.server_end_point(), wanted.as_deref(), "{key}");
    }
}

#[test]
fn the_channel_binding_follows_the_signatures_hash() {
    use openssl::{asn1::Asn1Time, ec, hash::MessageDigest, nid::Nid, rsa::Rsa, x509::X509Builder};

    let group = ec::EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("a group");
    let keys = [
        PKey::from_ec_key(ec::EcKey::generate(&group).expect("a key")).expect("a key"),
        PKey::from_rsa(Rsa::generate(2048).expect("a key")).expect("a key"),
    ];
    for key in keys {
        for (signed, bound) in [
            (MessageDigest::sha1(), MessageDigest::sha256()),
            (MessageDigest::sha256(), MessageDigest::sha256()),
            (MessageDigest::sha384(), MessageDigest::sha384()),
            (MessageDigest::sha512(), MessageDigest::sha512()),
        ] {
            let mut builder = X509Builder::new().expect("a builder");
            builder.set_pubkey(&key).expect("a key");
            let (now, then) = (Asn1Time::days_from_now(0), Asn1Time::days_from_now(1));
            builder.set_not_before(&now.expect("a time")).expect("a time");
            builder.set_not_after(&then.expect("a time")).expect("a time");
            builder.sign(&key, signed).expect("a signature");
            let der = builder.build().to_der().expect("DER");
            let wanted = openssl::hash::hash(bound, &der).expect("a hash").to_vec();
            assert_eq!(server_end_point(&der.into()), Some(wanted), "{:?}", signed.type_());
        }
    }
}

#[test]
fn files_have_modes_that_clients_accept_and_stay_the_same() {
    let authority = authority();
    let mode = |path: &Path| fs::metadata(path).expect("a file").permissions().mode() & 0o777;
    let client = authority.client_identity(ClientCertificate::Right, Key::P256).expect("files");
    assert_eq!(mode(client.key()), 0o600);
    for path in [
        Ok(client.certificate().to_owned()),
        authority.root_path(Key::P256),
        authority.wrong_root_path(Key::P256),
        authority.crl_path(Key::P256),
        authority.system_store_path(Key::P256),
        authority.empty_store_path(),
        authority.server_certificate_path(Certificate::Valid, Key::P256),
    ] {
        let path = path.expect("a file");
        assert_eq!(mode(&path), 0o644, "{}", path.display());
        assert!(path.is_absolute() && path.starts_with(authority.directory()));
    }
    assert!(!authority.missing_path().exists());
    let empty = authority.empty_directory().expect("a folder");
    assert_eq!(fs::read_dir(empty).expect("a folder").count(), 0);

    let read = || fs::read(authority.root_path(Key::P256).expect("a file")).expect("a file");
    assert_eq!(read(), read());
    let shown = authority.identity(Certificate::Valid, Key::P256).expect("an identity");
    let again = authority.clone().identity(Certificate::Valid, Key::P256).expect("an identity");
    assert!(Arc::ptr_eq(&shown, &again));
}

#[test]
fn a_temporary_folder_goes_with_the_last_clone_and_a_given_one_stays() {
    let authority = authority();
    let clone = authority.clone();
    let folder = authority.directory().to_owned();
    drop(authority);
    clone.root_path(Key::P256).expect("a file");
    assert!(folder.exists());
    drop(clone);
    assert!(!folder.exists());

    let parent = tempfile::tempdir().expect("a folder");
    let authority = Authority::generate_in(&parent.path().join("a/b")).expect("an authority");
    let root = authority.root_path(Key::Ed25519).expect("a file");
    drop(authority);
    assert!(root.exists());
}

#[test]
fn a_folder_that_cannot_be_made_is_told_by_its_name() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let error = Authority::generate_in(&file.path().join("pki")).expect_err("no folder");
    assert!(error.to_string().contains(&file.path().display().to_string()), "{error}");
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn threads_that_ask_at_once_get_the_same_leaf() {
    let authority = authority();
    let identities = std::thread::scope(|scope| {
        let ask = || authority.identity(Certificate::Valid, Key::P256).expect("an identity");
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect::<Vec<_>>()
    });
    assert!(identities.iter().all(|identity| Arc::ptr_eq(identity, &identities[0])));
}
