//! The watch, message by message, in every segmentation.

use proptest::prelude::*;

use super::*;

const TLS: Channel = Channel { encrypted: true, binding_known: true, binding: Binding::Prefer };
const PLAIN: Channel = Channel { encrypted: false, binding_known: false, binding: Binding::Prefer };

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32 + 4).to_be_bytes();
    [&[tag][..], &length, body].concat()
}

fn authentication(code: u32, rest: &[u8]) -> Vec<u8> {
    message(b'R', &[&code.to_be_bytes()[..], rest].concat())
}

fn mechanisms(names: &[&str]) -> Vec<u8> {
    let mut list: Vec<u8> =
        names.iter().flat_map(|name| [name.as_bytes(), &[0]].concat()).collect();
    list.push(0);
    authentication(10, &list)
}

fn error(code: &str) -> Vec<u8> {
    message(b'E', format!("SFATAL\0VFATAL\0C{code}\0Mno\0\0").as_bytes())
}

fn fed(channel: Channel, bytes: &[u8]) -> Result<Watch, Violation> {
    let mut watch = Watch::new(channel);
    watch.feed(bytes).map(|_| watch)
}

fn stage(channel: Channel, messages: &[Vec<u8>]) -> Stage {
    fed(channel, &messages.concat()).expect("no violation").stage
}

#[test]
fn an_error_is_told_by_whether_it_came_before_authentication_ok() {
    assert_eq!(stage(TLS, &[error("28P01")]), Stage::Rejected(Some("28P01".into())));
    assert_eq!(
        stage(TLS, &[authentication(3, &[]), error("28000")]),
        Stage::Rejected(Some("28000".into()))
    );
    assert_eq!(stage(TLS, &[authentication(0, &[]), error("3D000")]), Stage::Authenticated);
    assert_eq!(
        stage(TLS, &[error("57P03"), error("28000")]),
        Stage::Rejected(Some("57P03".into()))
    );
    assert_eq!(stage(TLS, &[message(b'E', b"SFATAL\0\0")]), Stage::Rejected(None));
}

#[test]
fn a_login_ends_with_ready_for_query_and_leaves_the_rest() {
    let login =
        [authentication(0, &[]), message(b'K', &[1, 2, 3, 4, 5, 6, 7, 8]), message(b'Z', b"I")]
            .concat();
    let mut watch = Watch::new(PLAIN);
    let behind = [&login[..], &authentication(3, &[])].concat();
    assert_eq!(watch.feed(&behind), Ok(login.len()));
    assert_eq!(watch.stage(), &Stage::Ready);
    assert_eq!(watch.key(), Some(&CancelKey(vec![1, 2, 3, 4, 5, 6, 7, 8])));
}

#[test]
fn nothing_else_may_come_before_authentication_ok() {
    for tag in [b'N', b'S', b'K', b'Z', b'T', b'A', 0, 0xff] {
        assert_eq!(
            fed(TLS, &message(tag, &[0; 4])).err(),
            Some(Violation::UnexpectedMessage(tag)),
            "{tag}"
        );
    }
    let negotiate = message(b'v', &[0, 3, 0, 0, 0, 0, 0, 0]);
    assert_eq!(fed(TLS, &negotiate).err(), Some(Violation::NegotiateProtocolVersion));
}

#[test]
fn old_errors_and_odd_lengths_are_told_by_five_bytes() {
    assert_eq!(fed(TLS, b"EFATAL: no pg_hba.conf entry\n\0").err(), Some(Violation::OldProtocol));
    assert_eq!(fed(TLS, &[b'E', 0, 0, 0, 7]).err(), Some(Violation::OldProtocol));
    assert_eq!(fed(TLS, &[b'E', 0, 0, 0x75, 0x31]).err(), Some(Violation::OldProtocol));
    assert_eq!(fed(TLS, &[b'R', 0, 0, 0, 7]).err(), Some(Violation::Length('R', 7)));
    assert_eq!(fed(TLS, &[b'R', 0, 0, 7, 0xd1]).err(), Some(Violation::Length('R', 2001)));
    assert_eq!(
        fed(TLS, &[b'R', 0xff, 0xff, 0xff, 0xff]).err(),
        Some(Violation::Length('R', u32::MAX))
    );
    let after = [authentication(0, &[]), vec![b'S', 0, 0, 0, 3]].concat();
    assert_eq!(fed(TLS, &after).err(), Some(Violation::Length('S', 3)));
}

#[test]
fn long_messages_after_authentication_ok_are_passed_over() {
    let long = message(b'N', &vec![b'Z'; 100_000]);
    let bytes = [authentication(0, &[]), long, message(b'Z', b"I")].concat();
    let watch = fed(TLS, &bytes).expect("no violation");
    assert_eq!(watch.stage(), &Stage::Ready);
}

#[test]
fn sasl_offers_are_judged_as_libpq_does() {
    const SCRAM: &str = "SCRAM-SHA-256";
    const PLUS: &str = "SCRAM-SHA-256-PLUS";
    let judge = |channel, names: &[&str]| fed(channel, &mechanisms(names)).err();
    let no_hash = Channel { binding_known: false, ..TLS };
    let disabled = Channel { binding: Binding::Disable, ..TLS };

    assert_eq!(judge(TLS, &[PLUS, SCRAM]), None);
    assert_eq!(judge(TLS, &[SCRAM]), None);
    assert_eq!(judge(PLAIN, &[SCRAM]), None);
    assert_eq!(judge(PLAIN, &[PLUS, SCRAM]), Some(Violation::PlusWithoutTls));
    assert_eq!(judge(no_hash, &[PLUS, SCRAM]), Some(Violation::NoHash));
    assert_eq!(judge(no_hash, &[SCRAM]), None);
    assert_eq!(judge(Channel { binding: Binding::Disable, ..no_hash }, &[PLUS, SCRAM]), None);
    assert_eq!(judge(disabled, &[PLUS]), Some(Violation::NoMechanism));
    assert_eq!(judge(TLS, &["OAUTHBEARER"]), Some(Violation::NoMechanism));
    assert_eq!(judge(TLS, &[]), Some(Violation::NoMechanism));
    assert_eq!(
        fed(TLS, &authentication(10, b"SCRAM-SHA-256")).err(),
        Some(Violation::MalformedMechanisms)
    );
}

proptest! {
    #![proptest_config(crate::testing::seeded())]

    #[test]
    fn segmentation_changes_nothing(cuts in proptest::collection::vec(0usize..200, 0..10)) {
        let bytes = [
            mechanisms(&["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]),
            authentication(11, b"r=x"),
            authentication(12, b"v=y"),
            authentication(0, &[]),
            message(b'S', b"server_version\x0018.4\0"),
            message(b'K', &[0, 0, 0, 1, 0, 0, 0, 2]),
            message(b'Z', b"I"),
        ]
        .concat();
        let mut cuts: Vec<usize> = cuts.into_iter().filter(|&cut| cut < bytes.len()).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let mut watch = Watch::new(TLS);
        for pair in cuts.windows(2) {
            prop_assert_eq!(watch.feed(&bytes[pair[0]..pair[1]]), Ok(pair[1] - pair[0]));
        }
        prop_assert_eq!(watch.stage(), &Stage::Ready);
        prop_assert_eq!(watch.key(), Some(&CancelKey(vec![0, 0, 0, 1, 0, 0, 0, 2])));
    }

    #[test]
    fn no_bytes_make_it_panic(segments in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..20)) {
        let mut watch = Watch::new(TLS);
        for segment in segments {
            match watch.feed(&segment) {
                Ok(used) => prop_assert!(used <= segment.len()),
                Err(_) => break,
            }
        }
    }
}
