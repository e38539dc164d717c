//! Random chains, judged by us and by OpenSSL: never weaker, and stricter only for the reasons that the page on
//! differences names.
//!
//! Each begins as an honest chain, and then a few twists are done to it, as authorities and attackers make them. The
//! default is short; `PROPTEST_CASES=100000 cargo test -p pgtls-connector --lib random_chains -- --nocapture` is not, and
//! `PGTLS_SEED=…`, which every run prints, brings its chains back.

use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

use super::oracle::Case;
use super::twists::{ALL, Twist, What};
use super::world::World;
use super::*;

/// How many intermediates, which keys, whether there are lists, and what is done.
type Recipe = (usize, [u8; 5], bool, Vec<Twist>);

fn twists(of: &'static [What]) -> impl Strategy<Value = Twist> {
    (proptest::sample::select(of), any::<u8>(), any::<u8>()).prop_map(|(what, at, how)| Twist {
        what,
        at,
        how,
    })
}

fn recipes(twists: impl Strategy<Value = Vec<Twist>>) -> impl Strategy<Value = Recipe> {
    (0usize..4, any::<[u8; 5]>(), proptest::bool::weighted(0.2), twists)
}

fn built((intermediates, keys, lists, twists): &Recipe) -> Case {
    let mut world = World::honest(*intermediates, keys);
    if *lists {
        world.twist(Twist { what: What::Lists, at: 0, how: 0 });
    }
    for &twist in twists {
        world.twist(twist);
    }
    world.case()
}

/// Why a chain may be refused here that OpenSSL accepts, as the page on differences says: no provider has SHA-1 or every
/// curve, and none is to have; and bytes that are no DER are not passed over.
fn known_reason(told: &str, twists: &[Twist], case: &Case) -> Option<&'static str> {
    let kinds = ["of a kind or length that is not taken", "of a kind that is not taken"];
    let is_damaged = twists.iter().any(|twist| matches!(twist.what, What::OtherByte));
    // Or its key is none, for which OpenSSL passes it over as an issuer.
    let is_malformed = |der: &CertificateDer<'_>| {
        Certificate::read(der).map_or(true, |certificate| certificate.extensions.malformed)
            || openssl::x509::X509::from_der(der).is_ok_and(|known| known.public_key().is_err())
    };
    if kinds.iter().any(|known| told.contains(known)) {
        Some("a key or a signature of a kind that is not taken")
    } else if is_damaged
        && [&case.leaf].into_iter().chain(&case.sent).chain(&case.roots).any(is_malformed)
    {
        Some("malformed")
    } else {
        None
    }
}

#[test]
fn random_chains() {
    agree(recipes(proptest::collection::vec(twists(&ALL), 0..6)));
}

/// Many certificates that may stand in for one another: which of them are taken.
#[test]
fn random_chains_in_a_crowd() {
    const CROWD: [What; 15] = [
        What::SelfIssued,
        What::CrossSigned,
        What::Impostor,
        What::Renewed,
        What::Reparented,
        What::OwnRoot,
        What::Place,
        What::Order,
        What::Subject,
        What::OwnStyle,
        What::IssuersStyle,
        What::SubjectKey,
        What::AuthorityKey,
        What::Dates,
        What::BasicConstraints,
    ];
    agree(recipes(proptest::collection::vec(twists(&CROWD), 3..12)));
}

/// Chains that say much, and in which a byte is another one: what can be read, and what it then means.
#[test]
fn random_chains_with_damage() {
    const RICH: [What; 8] = [
        What::AlternativeNames,
        What::Constraints,
        What::DistributionPoints,
        What::Policies,
        What::ExtendedKeyUsage,
        What::NetscapeType,
        What::AuthorityKey,
        What::OwnStyle,
    ];
    let twists = (
        proptest::collection::vec(twists(&RICH), 0..3),
        proptest::collection::vec(twists(&[What::OtherByte]), 1..3),
    );
    agree(recipes(twists.prop_map(|(rich, damage)| [rich, damage].concat())));
}

/// Judges many chains on both sides.
fn agree(recipes: impl Strategy<Value = Recipe>) {
    let cases = match std::env::var_os("PROPTEST_CASES") {
        Some(_) => Config::default().cases,
        None => 500,
    };
    let tally: RefCell<BTreeMap<String, u32>> = RefCell::default();
    let config = Config { cases, max_global_rejects: cases, ..crate::testing::seeded() };
    let outcome = TestRunner::new(config).run(&recipes, |recipe| {
        let case = built(&recipe);
        // With a key that is none (a point beside the curve) nobody makes a handshake, and so nobody is asked.
        let leaf = openssl::x509::X509::from_der(&case.leaf);
        prop_assume!(leaf.is_ok_and(|leaf| leaf.public_key().is_ok()));
        let key = match (case.ours(), case.openssl()) {
            (Ok(()), Ok(())) => "both accept".to_owned(),
            (Err(_), Err(_)) => "both refuse".to_owned(),
            (ours, theirs) => {
                let fault = format!("we say {ours:?}, OpenSSL {theirs:?}");
                let known = ours.err().filter(|_| theirs.is_ok());
                let reason =
                    known.and_then(|error| known_reason(&error.to_string(), &recipe.3, &case));
                format!("only OpenSSL accepts: {}", reason.ok_or(TestCaseError::fail(fault))?)
            }
        };
        *tally.borrow_mut().entry(key).or_default() += 1;
        Ok(())
    });
    for (what, count) in tally.borrow().iter() {
        println!("{count:>8} {what}");
    }
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(reason, recipe)) => panic!("{reason}\n{recipe:?}"),
        Err(error) => panic!("{error}"),
    }
    let accepted = tally.borrow().get("both accept").copied().unwrap_or(0);
    assert!(accepted > cases / 20, "chains that nobody accepts test nothing: {accepted}");
}
