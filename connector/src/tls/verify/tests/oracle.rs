//! One server's chain, judged by us and by OpenSSL with the settings that it has under libpq.

use std::ffi::c_int;

use openssl::ssl::SslFiletype;
use openssl::stack::Stack;
use openssl::x509::store::{X509Lookup, X509StoreBuilder};
use openssl::x509::verify::{X509VerifyFlags, X509VerifyParam};
use openssl::x509::{X509, X509PurposeId, X509StoreContext};

use rustls::client::danger::ServerCertVerifier;
use rustls_pki_types::{ServerName, UnixTime};

use super::*;
use crate::tls::terms::Lists;

pub(super) type Der = CertificateDer<'static>;

/// Debian's, and OpenSSL's own since 3.2: 112 bits, so that RSA keys have 2,048 and SHA-1 signs nothing.
const SECURITY_LEVEL: c_int = 2;

/// One server, what it sends, and what the client was given.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) leaf: Der,
    pub(super) sent: Vec<Der>,
    pub(super) roots: Vec<Der>,
    pub(super) lists: Lists,
    /// The second in which it is judged, since 1970.
    pub(super) now: i64,
}

impl Case {
    pub(super) fn new(leaf: Der, roots: Vec<Der>) -> Case {
        let now = i64::try_from(UnixTime::now().as_secs()).expect("now");
        Case { leaf, sent: Vec::new(), roots, lists: None, now }
    }

    pub(super) fn sending(mut self, sent: Vec<Der>) -> Case {
        self.sent = sent;
        self
    }

    pub(super) fn lists(mut self, lists: Vec<CertificateRevocationListDer<'static>>) -> Case {
        self.lists = Some(lists);
        self
    }

    pub(super) fn ours(&self) -> Result<(), Error> {
        let algorithms = crate::tls::rustls::default_provider().signature_verification_algorithms;
        let store = Store::of_file(&self.roots).map_err(|error| other(error.to_string()))?;
        let verifier = Verifier::strict(store, self.lists.as_deref(), algorithms)?;
        let name = ServerName::try_from("unimportant.example").expect("name");
        let now = std::time::Duration::from_secs(self.now.try_into().expect("after 1970"));
        let now = UnixTime::since_unix_epoch(now);
        verifier.verify_server_cert(&self.leaf, &self.sent, &name, &[], now).map(|_| ())
    }

    /// As libpq has it verified: purpose "SSL server", and every certificate's revocation where there are lists.
    pub(super) fn openssl(&self) -> Result<(), String> {
        let unreadable = |what: &str| format!("{what} cannot be read");
        let mut parameters = X509VerifyParam::new().expect("parameters");
        parameters.set_auth_level(SECURITY_LEVEL);
        parameters.set_purpose(X509PurposeId::SSL_SERVER).expect("purpose");
        parameters.set_time(self.now);
        let mut store = X509StoreBuilder::new().expect("store");
        for anchor in &self.roots {
            store
                .add_cert(X509::from_der(anchor).map_err(|_| unreadable("a root certificate"))?)
                .expect("root");
        }
        // The lists are read from files.
        let folder = self.lists.as_ref().map(|_| tempfile::tempdir().expect("folder"));
        if let (Some(lists), Some(folder)) = (&self.lists, &folder) {
            parameters
                .set_flags(X509VerifyFlags::CRL_CHECK | X509VerifyFlags::CRL_CHECK_ALL)
                .expect("flags");
            let lookup = store.add_lookup(X509Lookup::file()).expect("lookup");
            for (index, crl) in lists.iter().enumerate() {
                let path = folder.path().join(index.to_string());
                std::fs::write(&path, crl).expect("written");
                lookup.load_crl_file(&path, SslFiletype::ASN1).expect("list");
            }
        }
        store.set_param(&parameters).expect("set");
        let mut chain = Stack::new().expect("stack");
        let leaf = X509::from_der(&self.leaf).map_err(|_| unreadable("the certificate"))?;
        chain.push(leaf.clone()).expect("pushed");
        for sent in &self.sent {
            let sent = X509::from_der(sent).map_err(|_| unreadable("a certificate sent"))?;
            chain.push(sent).expect("pushed");
        }
        let mut context = X509StoreContext::new().expect("context");
        let (valid, error) = context
            .init(&store.build(), &leaf, &chain, |context| {
                Ok((context.verify_cert().unwrap_or(false), context.error()))
            })
            .expect("judged");
        if valid { Ok(()) } else { Err(error.error_string().to_owned()) }
    }
}
