//! Chains as large authorities and cloud providers serve them: they pass, as with OpenSSL.

use super::*;

/// A root that is older than the others, and by which they are vouched for.
fn old_root() -> CertificateParams {
    authority("The Old Root")
}

fn with_identifiers(name: &str) -> CertificateParams {
    with(authority(name), |params| params.use_authority_key_identifier_extension = true)
}

/// root ← middle ← leaf, with key identifiers and usages as the CA/Browser forum wants them.
struct Served {
    root: CertificateParams,
    middle: CertificateParams,
    leaf: Der,
}

impl Served {
    fn new() -> Served {
        let root = authority("ISRG Root X1");
        let middle = with(with_identifiers("R11"), |params| {
            params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
            params.extended_key_usages =
                vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        });
        let leaf = with(server(), |params| {
            params.use_authority_key_identifier_extension = true;
            params.is_ca = IsCa::ExplicitNoCa;
            params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        });
        let leaf = signed(&leaf, &LEAF_KEY, &middle, &MIDDLE_KEY);
        Served { root, middle, leaf }
    }

    fn middle(&self) -> Der {
        signed(&self.middle, &MIDDLE_KEY, &self.root, &ROOT_KEY)
    }

    fn root(&self) -> Der {
        self_signed(&self.root, &ROOT_KEY)
    }

    /// The root as the old one vouches for it.
    fn crossed(&self) -> Der {
        let root = with_identifiers("ISRG Root X1");
        signed(&root, &ROOT_KEY, &old_root(), &STRANGE_KEY)
    }

    #[track_caller]
    fn passes(&self, what: &str, sent: Vec<Der>, roots: Vec<Der>) {
        Case::new(self.leaf.clone(), roots).sending(sent).is(what, BothPass);
    }
}

#[test]
fn a_root_that_an_older_one_vouches_for() {
    let served = Served::new();
    let old = self_signed(&old_root(), &STRANGE_KEY);
    let expired = self_signed(&with(old_root(), expire), &STRANGE_KEY);
    let sent = || vec![served.middle(), served.crossed()];
    served.passes("by the new root", sent(), vec![served.root()]);
    served.passes("by the old root", sent(), vec![old.clone()]);
    served.passes("by both", sent(), vec![old, served.root()]);
    served.passes("the old root has expired", sent(), vec![expired, served.root()]);
    served.passes("the short chain", vec![served.middle()], vec![served.root()]);
}

#[test]
fn a_root_in_what_is_sent_and_what_is_sent_in_any_order() {
    let served = Served::new();
    let stranger = self_signed(&authority("nobody's"), &LEAF_KEY);
    let root = || vec![served.root()];
    served.passes("with the root", vec![served.middle(), served.root()], root());
    served.passes("the root first", vec![served.root(), served.middle()], root());
    served.passes("out of order", vec![served.crossed(), served.root(), served.middle()], root());
    served.passes("twice", vec![served.middle(), served.middle()], root());
    served.passes("the leaf twice", vec![served.leaf.clone(), served.middle()], root());
    let extra = vec![stranger.clone(), served.middle(), stranger];
    served.passes("with certificates of no use", extra, root());
}

/// As a cloud provider's bundle: a root for every region, of one name but for the region, and links among them.
#[test]
fn a_bundle_of_many_roots() {
    let served = Served::new();
    let regions = ["eu-west-1", "eu-central-1", "us-east-1"];
    let of_region = |region: &&str| {
        self_signed(&authority(&format!("Database {region} Root CA RSA2048 G1")), &STRANGE_KEY)
    };
    let mut bundle: Vec<Der> = regions.iter().map(of_region).collect();
    bundle.extend([served.root(), served.middle()]);
    served.passes("nothing but the leaf is sent", vec![], bundle.clone());
    served.passes("the link is sent as well", vec![served.middle()], bundle.clone());
    bundle.reverse();
    served.passes("the other way round", vec![served.middle()], bundle);
}

/// A renewed authority: the same name and the same key, or another key.
#[test]
fn a_renewed_authority_beside_the_old_one() {
    let served = Served::new();
    let old = with(served.middle.clone(), expire);
    let old = signed(&old, &MIDDLE_KEY, &served.root, &ROOT_KEY);
    let sent = vec![old, served.middle()];
    served.passes("the same key", sent, vec![served.root()]);
    let other = signed(&served.middle, &STRANGE_KEY, &served.root, &ROOT_KEY);
    let sent = vec![other, served.middle()];
    served.passes("another key, told by its identifier", sent, vec![served.root()]);
}

/// Whatever this machine trusts can be read, so that something can chain to it.
#[test]
fn the_systems_roots_can_be_read() {
    for root in rustls_native_certs::load_native_certs().certs {
        let read = Certificate::read(&root).expect("a certificate");
        assert!(!read.extensions.malformed, "{:?}", read.subject.common_names);
    }
}
