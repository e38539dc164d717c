//! Chains, one deviation each, judged by us and by OpenSSL with libpq's flags: never weaker, and where stricter,
//! knowingly.

use std::sync::LazyLock;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CustomExtension, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    NameConstraints, RevokedCertParams, SerialNumber,
};
use time::{Duration, OffsetDateTime};

use rustls::Error;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};

use self::oracle::{Case, Der};
use super::certificate::Certificate;
use super::der::Malformed;
use super::revocation::List;
use super::verifier::other;
use super::*;

/// What OpenSSL says, and how we compare.
#[derive(Debug, PartialEq, Eq)]
enum Expected {
    BothPass,
    BothFail,
    /// OpenSSL lets it pass and we do not; each is told in the page on differences.
    WeAreStricter,
}
use Expected::{BothFail, BothPass, WeAreStricter};

static KEYS: LazyLock<[KeyPair; 4]> =
    LazyLock::new(|| std::array::from_fn(|_| KeyPair::generate().expect("key")));
static ROOT_KEY: LazyLock<&KeyPair> = LazyLock::new(|| &KEYS[0]);
static MIDDLE_KEY: LazyLock<&KeyPair> = LazyLock::new(|| &KEYS[1]);
static LEAF_KEY: LazyLock<&KeyPair> = LazyLock::new(|| &KEYS[2]);
static STRANGE_KEY: LazyLock<&KeyPair> = LazyLock::new(|| &KEYS[3]);

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = OffsetDateTime::now_utc() - Duration::days(10);
    params.not_after = OffsetDateTime::now_utc() + Duration::days(10);
    params
}

fn authority(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn server() -> CertificateParams {
    let mut params = params("server");
    params.subject_alt_names = vec![rcgen::SanType::DnsName("localhost".try_into().expect("name"))];
    params.serial_number = Some(SerialNumber::from(4711u64));
    params
}

fn with<P>(mut params: P, change: impl FnOnce(&mut P)) -> P {
    change(&mut params);
    params
}

fn expire(params: &mut CertificateParams) {
    params.not_after = OffsetDateTime::now_utc() - Duration::days(1);
}

fn self_signed(params: &CertificateParams, key: &KeyPair) -> Der {
    params.self_signed(key).expect("certificate").der().clone()
}

fn signed(
    params: &CertificateParams,
    key: &KeyPair,
    by: &CertificateParams,
    with: &KeyPair,
) -> Der {
    params.signed_by(key, &Issuer::from_params(by, with)).expect("certificate").der().clone()
}

/// A critical extension that nobody knows.
fn unknown_extension(params: &mut CertificateParams) {
    let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
    extension.set_criticality(true);
    params.custom_extensions.push(extension);
}

fn list(
    by: &CertificateParams,
    key: &KeyPair,
    revoked: &[SerialNumber],
    from: i64,
    to: i64,
) -> CertificateRevocationListDer<'static> {
    let now = OffsetDateTime::now_utc();
    let issuer = with(by.clone(), |params| params.key_usages.clear());
    CertificateRevocationListParams {
        this_update: now + Duration::days(from),
        next_update: now + Duration::days(to),
        crl_number: SerialNumber::from(1u64),
        issuing_distribution_point: None,
        revoked_certs: revoked
            .iter()
            .map(|serial| RevokedCertParams {
                serial_number: serial.clone(),
                revocation_time: now - Duration::days(1),
                reason_code: None,
                invalidity_date: None,
            })
            .collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    }
    .signed_by(&Issuer::from_params(&issuer, key))
    .expect("list")
    .der()
    .clone()
}

impl Case {
    #[track_caller]
    fn is(&self, what: &str, expected: Expected) {
        let (ours, theirs) = (self.ours(), self.openssl());
        let verdict = match (&ours, &theirs) {
            (Ok(()), Ok(())) => BothPass,
            (Err(_), Err(_)) => BothFail,
            (Err(_), Ok(())) => WeAreStricter,
            (Ok(()), Err(error)) => {
                panic!("{what}: we are WEAKER than OpenSSL, which says {error}")
            }
        };
        assert_eq!(verdict, expected, "{what}: we say {ours:?}, OpenSSL says {theirs:?}");
    }
}

fn root() -> Der {
    self_signed(&authority("root"), &ROOT_KEY)
}

fn leaf_by_root(params: &CertificateParams) -> Der {
    signed(params, &LEAF_KEY, &authority("root"), &ROOT_KEY)
}

#[test]
fn straight_chains() {
    let by_root = |change: fn(&mut CertificateParams)| leaf_by_root(&with(server(), change));
    Case::new(by_root(|_| {}), vec![root()]).is("valid", BothPass);
    Case::new(by_root(expire), vec![root()]).is("expired", BothFail);
    let early = by_root(|params| params.not_before = OffsetDateTime::now_utc() + Duration::days(1));
    Case::new(early, vec![root()]).is("not yet valid", BothFail);
    let stranger = signed(&server(), &LEAF_KEY, &authority("root"), &STRANGE_KEY);
    Case::new(stranger, vec![root()]).is("an authority of the same name and another key", BothFail);
    Case::new(by_root(|_| {}), vec![self_signed(&authority("other"), &STRANGE_KEY)])
        .is("another authority", BothFail);
    Case::new(by_root(|_| {}), vec![]).is("no root at all", BothFail);
    Case::new(by_root(|_| {}), vec![self_signed(&authority("other"), &STRANGE_KEY), root()])
        .is("the right root among others", BothPass);
}

#[test]
fn a_root_of_no_use_is_told_from_a_stranger() {
    let told = |case: &Case| case.ours().expect_err("no chain").to_string();
    let rooted = |change: fn(&mut CertificateParams)| {
        let root = self_signed(&with(authority("root"), change), &ROOT_KEY);
        Case::new(leaf_by_root(&server()), vec![root])
    };
    let early = |params: &mut CertificateParams| {
        params.not_before = OffsetDateTime::now_utc() + Duration::days(1);
    };
    type Change = fn(&mut CertificateParams);
    let reasons: [(Change, &str); 4] = [
        (expire, "has expired"),
        (early, "is not valid yet"),
        (|params| params.is_ca = IsCa::ExplicitNoCa, "may not sign certificates"),
        (unknown_extension, "critical extension"),
    ];
    for (change, why) in reasons {
        let told = told(&rooted(change));
        assert!(told.contains("CN=root") && told.contains(why), "{told}");
    }
    let no_lists = rooted(|params| params.key_usages = vec![KeyUsagePurpose::KeyCertSign]);
    let no_lists = no_lists.lists(vec![list(&authority("root"), &ROOT_KEY, &[], -1, 1)]);
    assert!(told(&no_lists).contains("may not sign revocation lists"), "{}", told(&no_lists));

    // Behind an intermediate, too; and somebody else's expired root has nothing to do with it.
    let middle = signed(&authority("middle"), &MIDDLE_KEY, &authority("root"), &ROOT_KEY);
    let leaf = signed(&server(), &LEAF_KEY, &authority("middle"), &MIDDLE_KEY);
    let expired = |name| self_signed(&with(authority(name), expire), &ROOT_KEY);
    let behind = Case::new(leaf.clone(), vec![expired("root")]).sending(vec![middle.clone()]);
    assert!(told(&behind).contains("has expired"), "{}", told(&behind));
    let stranger = Case::new(leaf, vec![expired("other")]).sending(vec![middle]);
    assert!(told(&stranger).contains("UnknownIssuer"), "{}", told(&stranger));

    let serial = SerialNumber::from(7u64);
    let revoked = with(authority("root"), |params| params.serial_number = Some(serial.clone()));
    let revoked = Case::new(leaf_by_root(&server()), vec![self_signed(&revoked, &ROOT_KEY)])
        .lists(vec![list(&authority("root"), &ROOT_KEY, &[serial], -1, 1)]);
    assert!(told(&revoked).contains("Revoked"), "{}", told(&revoked));
}

#[test]
fn usages_of_the_leaf() {
    use ExtendedKeyUsagePurpose::{Any, ClientAuth, ServerAuth};
    let extended = |usages: Vec<ExtendedKeyUsagePurpose>| {
        let leaf = leaf_by_root(&with(server(), |params| params.extended_key_usages = usages));
        Case::new(leaf, vec![root()])
    };
    extended(vec![ServerAuth]).is("serverAuth", BothPass);
    extended(vec![ServerAuth, ClientAuth]).is("serverAuth among others", BothPass);
    extended(vec![ClientAuth]).is("clientAuth only", BothFail);
    extended(vec![Any]).is("anyExtendedKeyUsage only", BothFail);
    let used = |usages: Vec<KeyUsagePurpose>| {
        Case::new(leaf_by_root(&with(server(), |params| params.key_usages = usages)), vec![root()])
    };
    used(vec![KeyUsagePurpose::DigitalSignature]).is("digitalSignature", BothPass);
    used(vec![KeyUsagePurpose::CrlSign]).is("a key usage that TLS has no use for", BothFail);
    let unknown = leaf_by_root(&with(server(), unknown_extension));
    Case::new(unknown, vec![root()]).is("an unknown critical extension", BothFail);
}

#[test]
fn a_leaf_that_is_itself_an_entry_of_the_root_file() {
    let own = |change: fn(&mut CertificateParams)| {
        let leaf = self_signed(&with(server(), change), &LEAF_KEY);
        Case::new(leaf.clone(), vec![leaf])
    };
    own(|_| {}).is("neither CA:TRUE nor CA:FALSE", BothPass);
    own(|params| params.is_ca = IsCa::ExplicitNoCa).is("CA:FALSE", BothPass);
    own(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)).is("CA:TRUE", BothPass);
    own(expire).is("expired", BothFail);
    own(|params| params.not_before = OffsetDateTime::now_utc() + Duration::days(1))
        .is("not yet valid", BothFail);
    own(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth])
        .is("clientAuth", BothFail);
    own(|params| params.key_usages = vec![KeyUsagePurpose::CrlSign]).is("crlSign only", BothFail);
    own(unknown_extension).is("an unknown critical extension", BothFail);

    let leaf = leaf_by_root(&server());
    Case::new(leaf.clone(), vec![leaf]).is("not self-signed", BothFail);
    let leaf = self_signed(&with(server(), |params| params.is_ca = IsCa::ExplicitNoCa), &LEAF_KEY);
    let again =
        self_signed(&with(server(), |params| params.serial_number = Some(12u64.into())), &LEAF_KEY);
    Case::new(again, vec![leaf]).is("the same name and key, and another certificate", BothFail);
    let (version_1, _) = crate::testing::version_1(openssl::hash::MessageDigest::sha256());
    let version_1 = Der::from(version_1.to_der().expect("DER"));
    Case::new(version_1.clone(), vec![version_1.clone()]).is("version 1", BothPass);
    Case::new(version_1, vec![root()]).is("version 1, and not an entry", BothFail);
}

#[test]
fn intermediates() {
    let middle = authority("middle");
    let leaf = signed(&server(), &LEAF_KEY, &middle, &MIDDLE_KEY);
    let by_root =
        |params: &CertificateParams| signed(params, &MIDDLE_KEY, &authority("root"), &ROOT_KEY);
    let link = by_root(&middle);

    Case::new(leaf.clone(), vec![root()]).sending(vec![link.clone()]).is("sent", BothPass);
    Case::new(leaf.clone(), vec![root(), link.clone()]).is("in the root file", BothPass);
    Case::new(leaf.clone(), vec![root()]).is("missing", BothFail);
    Case::new(leaf.clone(), vec![link.clone()]).is("in the root file without its root", BothFail);
    Case::new(leaf.clone(), vec![link.clone()])
        .sending(vec![root()])
        .is("its root only sent", BothFail);
    let chain = |params: CertificateParams| {
        let leaf = signed(&server(), &LEAF_KEY, &params, &MIDDLE_KEY);
        Case::new(leaf, vec![root()]).sending(vec![by_root(&params)])
    };
    chain(with(middle.clone(), expire)).is("expired", BothFail);
    chain(with(middle.clone(), |params| params.is_ca = IsCa::ExplicitNoCa))
        .is("CA:FALSE", BothFail);
    chain(with(middle.clone(), |params| {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    }))
    .is("a key usage without keyCertSign", BothFail);
    chain(with(middle.clone(), |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    }))
    .is("clientAuth only", BothFail);
    chain(with(middle.clone(), unknown_extension)).is("an unknown critical extension", BothFail);
    let no_constraints = with(middle.clone(), |params| {
        params.is_ca = IsCa::NoCa;
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    });
    chain(no_constraints).is("keyCertSign without basic constraints", BothFail);
}

#[test]
fn what_is_checked_in_a_root() {
    let rooted = |params: CertificateParams| {
        Case::new(
            signed(&server(), &LEAF_KEY, &params, &ROOT_KEY),
            vec![self_signed(&params, &ROOT_KEY)],
        )
    };
    let changed = |change: fn(&mut CertificateParams)| rooted(with(authority("root"), change));
    changed(expire).is("expired", BothFail);
    changed(|params| params.is_ca = IsCa::ExplicitNoCa).is("CA:FALSE", BothFail);
    changed(|params| params.key_usages = vec![KeyUsagePurpose::CrlSign])
        .is("no keyCertSign", BothFail);
    changed(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth])
        .is("clientAuth", BothFail);
    changed(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth])
        .is("serverAuth", BothPass);
    changed(unknown_extension).is("an unknown critical extension", BothFail);
    changed(|params| params.key_usages.clear()).is("no key usage", BothPass);
    changed(|params| {
        params.is_ca = IsCa::NoCa;
        params.key_usages.clear();
    })
    .is("neither basic constraints nor key usage", BothFail);
    changed(|params| params.is_ca = IsCa::NoCa)
        .is("keyCertSign without basic constraints", BothPass);

    let bounded =
        with(authority("root"), |params| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)));
    rooted(bounded.clone()).is("a path length of 0 and no intermediate", BothPass);
    let middle = authority("middle");
    let leaf = signed(&server(), &LEAF_KEY, &middle, &MIDDLE_KEY);
    let link = signed(&middle, &MIDDLE_KEY, &bounded, &ROOT_KEY);
    Case::new(leaf, vec![self_signed(&bounded, &ROOT_KEY)])
        .sending(vec![link])
        .is("a path length of 0 and an intermediate", BothFail);

    let old = self_signed(&with(authority("root"), expire), &ROOT_KEY);
    Case::new(leaf_by_root(&server()), vec![old, root()])
        .is("an expired root beside its renewal", BothPass);
    let crossed = signed(&authority("root"), &ROOT_KEY, &authority("other"), &STRANGE_KEY);
    Case::new(leaf_by_root(&server()), vec![crossed])
        .is("a cross-certificate is no root", BothFail);
    let renamed =
        with(authority("root"), |params| params.use_authority_key_identifier_extension = true);
    let rolled = signed(&renamed, &ROOT_KEY, &authority("root"), &STRANGE_KEY);
    Case::new(leaf_by_root(&server()), vec![rolled])
        .is("a new key signed by the old one is no root", BothFail);
    let (version_1, key) = crate::testing::version_1(openssl::hash::MessageDigest::sha256());
    let key = KeyPair::from_pem(
        &String::from_utf8(key.private_key_to_pem_pkcs8().expect("PEM")).expect("text"),
    );
    let named = with(CertificateParams::default(), |params| {
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, rcgen::DnValue::Utf8String("localhost".into()));
    });
    let leaf = signed(&server(), &LEAF_KEY, &named, &key.expect("key"));
    Case::new(leaf, vec![version_1.to_der().expect("DER").into()]).is("version 1", BothPass);
}

#[test]
fn name_constraints_hold_for_common_names_too() {
    let constrained = with(authority("root"), |params| {
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName("good.example".to_owned())],
            excluded_subtrees: vec![],
        });
    });
    let rooted = |names: &[&str], common_name: &str| {
        let leaf = with(server(), |params| {
            params.subject_alt_names = names
                .iter()
                .map(|name| rcgen::SanType::DnsName((*name).try_into().expect("name")))
                .collect();
            params.distinguished_name.push(DnType::CommonName, common_name);
        });
        Case::new(
            signed(&leaf, &LEAF_KEY, &constrained, &ROOT_KEY),
            vec![self_signed(&constrained, &ROOT_KEY)],
        )
    };
    rooted(&["db.good.example"], "x").is("a permitted name", BothPass);
    rooted(&["db.evil.example"], "x").is("another name", BothFail);
    rooted(&[], "db.evil.example").is("another common name", BothFail);
    rooted(&[], "db.good.example").is("a permitted common name", BothPass);
}

#[test]
fn a_leaf_that_could_sign_is_taken_if_somebody_vouches_for_it() {
    let leaf = leaf_by_root(&with(server(), |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }));
    Case::new(leaf, vec![root()]).is("CA:TRUE, by a proper authority", BothPass);
    let alone = self_signed(
        &with(server(), |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)),
        &LEAF_KEY,
    );
    Case::new(alone, vec![root()]).is("CA:TRUE, self-signed, not in the root file", BothFail);
}

#[test]
fn revocation() {
    let authority = authority("root");
    let ours = |revoked: &[SerialNumber], from, to| list(&authority, &ROOT_KEY, revoked, from, to);
    let leaf = leaf_by_root(&server());
    let case = || Case::new(leaf.clone(), vec![root()]);
    let serial = SerialNumber::from(4711u64);
    case().lists(vec![ours(&[], -1, 1)]).is("not revoked", BothPass);
    case().lists(vec![ours(std::slice::from_ref(&serial), -1, 1)]).is("revoked", BothFail);
    case().lists(vec![ours(&[], -2, -1)]).is("an expired list", BothFail);
    case().lists(vec![ours(&[], 1, 2)]).is("a list of tomorrow", BothFail);
    case().lists(vec![]).is("no list, as in a missing folder", BothFail);
    let other = super::tests::authority("other");
    case()
        .lists(vec![list(&other, &STRANGE_KEY, &[], -1, 1)])
        .is("another authority's list", BothFail);
    case().lists(vec![list(&authority, &STRANGE_KEY, &[], -1, 1)]).is("a forged list", BothFail);
    case()
        .lists(vec![list(&other, &STRANGE_KEY, &[], -1, 1), ours(&[], -1, 1)])
        .is("another authority's list beside the right one", BothPass);

    let middle = super::tests::authority("middle");
    let low = signed(&server(), &LEAF_KEY, &middle, &MIDDLE_KEY);
    let link = signed(
        &with(middle.clone(), |params| params.serial_number = Some(99u64.into())),
        &MIDDLE_KEY,
        &authority,
        &ROOT_KEY,
    );
    let deep = || Case::new(low.clone(), vec![root()]).sending(vec![link.clone()]);
    let of_middle = |revoked: &[SerialNumber]| list(&middle, &MIDDLE_KEY, revoked, -1, 1);
    deep().lists(vec![ours(&[], -1, 1), of_middle(&[])]).is("a list for every link", BothPass);
    deep().lists(vec![ours(&[], -1, 1)]).is("the intermediate's list is missing", BothFail);
    deep().lists(vec![of_middle(&[])]).is("the root's list is missing", BothFail);
    deep()
        .lists(vec![ours(&[99u64.into()], -1, 1), of_middle(&[])])
        .is("the intermediate is revoked", BothFail);

    let silent = with(super::tests::authority("root"), |params| {
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    });
    Case::new(leaf.clone(), vec![self_signed(&silent, &ROOT_KEY)])
        .lists(vec![ours(&[], -1, 1)])
        .is("a root that may not sign lists", BothFail);
    let numbered =
        with(super::tests::authority("root"), |params| params.serial_number = Some(5u64.into()));
    Case::new(leaf.clone(), vec![self_signed(&numbered, &ROOT_KEY)])
        .lists(vec![ours(&[5u64.into()], -1, 1)])
        .is("a root that revoked itself", BothFail);
    let own = self_signed(&server(), &LEAF_KEY);
    Case::new(own.clone(), vec![own])
        .lists(vec![ours(&[], -1, 1)])
        .is("a root of its own, without a list", BothFail);
}

mod forge;
mod oracle;
mod random;
mod reading;
mod served;
mod twists;
mod world;
