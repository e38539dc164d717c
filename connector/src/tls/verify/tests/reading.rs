//! What is read, and what is not.

use proptest::prelude::*;

use super::der::{self, Reader};
use super::*;

fn seconds(tag: u8, text: &str) -> Option<i64> {
    let mut value = vec![tag, text.len() as u8];
    value.extend(text.as_bytes());
    Reader::new(&value).value().and_then(der::time).ok()
}

#[test]
fn times() {
    let (short, long) = (der::UTC_TIME, der::GENERALIZED_TIME);
    assert_eq!(seconds(short, "700101000000Z"), Some(0));
    assert_eq!(seconds(short, "691231235959Z"), Some(-1));
    assert_eq!(seconds(short, "000229120000Z"), Some(951_825_600));
    assert_eq!(seconds(short, "491231235959Z"), Some(2_524_607_999));
    assert_eq!(seconds(short, "500101000000Z"), Some(-631_152_000));
    assert_eq!(seconds(long, "20500101000000Z"), Some(2_524_608_000));
    assert_eq!(seconds(long, "99991231235959Z"), Some(253_402_300_799));
    for wrong in ["990229000000Z", "991301000000Z", "990100000000Z", "990101240000Z", "9901010000Z"]
    {
        assert_eq!(seconds(short, wrong), None, "{wrong}");
    }
    assert_eq!(seconds(short, "990101000000+"), None);
    assert_eq!(seconds(long, "19000229000000Z"), None, "no leap year");
    assert_eq!(seconds(long, "990101000000Z"), None, "the other type's form");
}

#[test]
fn lengths_and_numbers_are_in_their_shortest_form() {
    let reads = |bytes: &[u8]| Reader::new(bytes).value().is_ok();
    assert!(reads(&[4, 1, 0]) && reads(&[0x30, 0]));
    assert!(!reads(&[4, 0x81, 1, 0]), "a long form where the short one does");
    assert!(!reads(&[4, 0x80, 0, 0]), "an indefinite length");
    assert!(!reads(&[4, 2, 0]), "more than there is");
    assert!(!reads(&[4, 0x85, 1, 0, 0, 0, 0]), "more than anybody has");
    assert!(reads(&[2, 1, 0x80]) && !reads(&[2, 2, 0, 0x7f]) && !reads(&[2, 0]));
    assert_eq!(der::unsigned(&[0x80]), Err(Malformed), "negative");
    assert_eq!(der::unsigned(&[0, 0xff]), Ok(255));
    assert_eq!(der::unsigned(&[1; 9]), Ok(u64::MAX), "beyond 64 bits");
}

proptest! {
    #![proptest_config(crate::testing::seeded())]

    #[test]
    fn no_bytes_make_the_readers_panic(der in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Certificate::read(&der);
        let _ = List::read(&der);
    }

    #[test]
    fn no_damage_makes_the_readers_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let list = list(&authority("root"), &ROOT_KEY, &[7u64.into()], -1, 1);
        for mut der in [leaf_by_root(&server()).to_vec(), list.to_vec()] {
            for (at, byte) in &changes {
                let at = at.index(der.len());
                der[at] = *byte;
            }
            let _ = Certificate::read(&der);
            let _ = List::read(&der);
            der.truncate(cut.index(der.len()));
            prop_assert!(Certificate::read(&der).is_err() && List::read(&der).is_err());
        }
    }
}
