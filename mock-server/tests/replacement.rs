//! A server that is replaced under its clients: another certificate, connections that are reset,
//! chains with their root, and a folder whose root stays.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{fs, io::ErrorKind, os::unix::fs::PermissionsExt};

use openssl::x509::X509;
use pgtls_mock_server::{
    axes::{Auth, Certificate, Key},
    pki::{self, Authority},
    transcript::{Entry, EntryKind, Sender},
};
use support::*;
use tokio::io::AsyncReadExt;

#[tokio::test]
async fn a_reset_ends_what_is_open_and_nothing_that_comes_after() {
    let server = server().auth(Auth::Trust).start().await.unwrap();
    let mut plain = Raw::connect(&server).await;
    plain.send(&startup("any")).await;
    assert_eq!(plain.read_message().await.0, b'R');
    let mut negotiating = Raw::connect(&server).await;
    negotiating.send(&SSL_REQUEST).await;
    assert_eq!(negotiating.read().await, *b"S");
    let mut secure = Raw::connect(&server).await;
    secure.send(&SSL_REQUEST).await;
    assert_eq!(secure.read().await, *b"S");
    let mut secure = secure.tls(true).await.unwrap();
    secure.send(&startup("any")).await;
    assert_eq!(secure.read_message().await.0, b'R');

    server.reset_connections();
    // What was sent before may still be read, or be lost with the reset.
    let mut rest = Vec::new();
    for end in [
        within(plain.0.read_to_end(&mut rest)).await,
        within(negotiating.0.read_to_end(&mut rest)).await,
        within(secure.0.read_to_end(&mut rest)).await,
    ] {
        assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
    }

    let mut after = Raw::connect(&server).await;
    after.send(&startup("any")).await;
    assert_eq!(after.read_message().await.0, b'R');
    drop(after);
    let seen = finish(server).await;
    let reset: Vec<_> = seen
        .connections
        .iter()
        .map(|connection| {
            let by_server =
                |entry: &Entry| (entry.sender, &entry.what) == (Sender::Server, &EntryKind::Reset);
            connection.entries.iter().any(by_server)
        })
        .collect();
    assert_eq!(reset, [true, true, true, false]);
}

#[test]
fn a_chain_with_its_root_ends_with_the_root_that_issued_it() {
    let authority = authority();
    for &key in Key::ALL {
        for &certificate in Certificate::ALL {
            let alone = authority.identity(certificate, key).unwrap();
            let whole = authority.identity_with_root(certificate, key).unwrap();
            let signs_itself = certificate == Certificate::SelfSigned;
            assert_eq!(whole.chain().len(), alone.chain().len() + usize::from(!signs_itself));
            assert!(whole.chain().starts_with(alone.chain()), "{certificate} {key}");
            assert_eq!(whole.server_end_point(), alone.server_end_point());
            let last = X509::from_der(whole.chain().last().unwrap()).unwrap();
            assert!(last.verify(&last.public_key().unwrap()).unwrap(), "{certificate} {key}");
            let right = last.to_der().unwrap() == *authority.root(key).unwrap();
            assert_eq!(right, !signs_itself && certificate != Certificate::UnknownCa);
        }
    }
}

#[test]
fn a_root_of_yesterday_verifies_the_servers_of_today() {
    let folder = tempfile::tempdir().unwrap();
    for &key in Key::ALL {
        let yesterday = Authority::generate_in(folder.path()).unwrap().root(key).unwrap();
        let today = Authority::generate_in(folder.path()).unwrap();
        let leaf = today.identity(Certificate::Valid, key).unwrap();
        let leaf = X509::from_der(leaf.leaf()).unwrap();
        let root = X509::from_der(&yesterday).unwrap();
        assert!(leaf.verify(&root.public_key().unwrap()).unwrap(), "{key}");
        assert_eq!(root.issued(&leaf), openssl::x509::X509VerifyResult::OK, "{key}");
        let mode = fs::metadata(folder.path().join(format!("{key}/root.key"))).unwrap();
        assert_eq!(mode.permissions().mode() & 0o777, 0o600, "{key}");
    }
    let temporary = Authority::generate().unwrap();
    let root = temporary.root_path(Key::P256).unwrap();
    assert!(!root.with_extension("key").exists(), "a root that does not stay leaves no key");
}

#[test]
fn a_key_that_cannot_be_used_is_told_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    Authority::generate_in(folder.path()).unwrap().root(Key::Rsa2048).unwrap();
    let kept = folder.path().join("p256/root.key");
    fs::create_dir(kept.parent().unwrap()).unwrap();
    for content in [b"rubbish".to_vec(), fs::read(folder.path().join("rsa2048/root.key")).unwrap()]
    {
        fs::write(&kept, content).unwrap();
        let error = Authority::generate_in(folder.path()).unwrap().root(Key::P256).unwrap_err();
        assert!(matches!(&error, pki::Error::Key { .. }), "{error:?}");
        assert!(error.to_string().contains("p256/root.key"), "{error}");
    }
}
