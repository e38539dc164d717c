//! Every row of libpq's rules on names, and properties that hold for all names.

use proptest::prelude::*;

use super::*;

fn dns(name: &str) -> Name<'_> {
    Name::Text(name.as_bytes())
}

const V4: Name<'static> = Name::Address(&[127, 0, 0, 1]);
const V6: Name<'static> = Name::Address(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);

fn matches(sans: &[Name<'_>], common_name: Option<&str>, host: &str) -> bool {
    decide(sans, common_name.map(str::as_bytes), host).is_ok()
}

#[test]
fn a_dns_name_makes_the_common_name_count_for_nothing() {
    assert!(matches(&[], Some("localhost"), "localhost"));
    assert!(!matches(&[dns("wrong.example")], Some("localhost"), "localhost"));
    assert!(
        matches(&[V4], Some("localhost"), "localhost"),
        "addresses leave the common name standing"
    );
    assert!(matches(&[dns("a.example"), dns("localhost")], None, "localhost"));
}

#[test]
fn for_an_ip_host_only_an_address_makes_it_so() {
    assert!(matches(&[dns("localhost")], Some("127.0.0.1"), "127.0.0.1"));
    assert!(!matches(&[Name::Address(&[10, 0, 0, 1])], Some("127.0.0.1"), "127.0.0.1"));
    assert!(matches(&[V4], None, "127.0.0.1"));
    assert!(matches(&[dns("127.0.0.1")], None, "127.0.0.1"), "by exact text");
    assert!(!matches(&[dns("127.0.0.1")], None, "127.1"), "and not by value");
}

#[test]
fn addresses_are_compared_by_value() {
    for host in [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "127.000.000.001",
        "0177.1",
    ] {
        assert!(matches(&[V4], None, host), "{host}");
    }
    for host in ["::1", "0:0::1", "0:0:0:0:0:0:0:1", "::0001", "::0.0.0.1"] {
        assert!(matches(&[V6], None, host), "{host}");
    }
    for host in [
        "127.0.0.1/32",
        "127.0.0.2",
        "127.0.0.01.",
        "127.0.0.256",
        "",
        "::1/128",
        "::2",
        "08.0.0.1",
    ] {
        assert!(!matches(&[V4, V6], None, host), "{host}");
    }
    assert!(!matches(
        &[Name::Address(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1])],
        None,
        "127.0.0.1"
    ));
}

#[test]
fn inet_aton_forms() {
    let parsed = |text| parse_ip(text).map(|ip| ip.to_string());
    assert_eq!(parsed("192.000.002.001").as_deref(), Some("192.0.2.1"));
    assert_eq!(parsed("1.2.3").as_deref(), Some("1.2.0.3"));
    assert_eq!(parsed("1.65536").as_deref(), Some("1.1.0.0"));
    assert_eq!(parsed("0").as_deref(), Some("0.0.0.0"));
    assert_eq!(parsed("4294967295").as_deref(), Some("255.255.255.255"));
    for bad in [
        "4294967296",
        "1.16777216",
        "1.2.65536",
        "1.2.3.256",
        "1.2.3.4.5",
        "256.1",
        "1..2",
        ".",
        "0x",
        "+1",
        "1 ",
    ] {
        assert_eq!(parsed(bad), None, "{bad}");
    }
}

#[test]
fn a_wildcard_is_the_whole_left_most_label_and_matches_one() {
    let wild = [dns("*.wild.example")];
    assert!(matches(&wild, None, "a.wild.example"));
    assert!(matches(&wild, None, "A.WILD.example"));
    for host in [
        "wild.example",
        ".wild.example",
        "a.b.wild.example",
        "a.wild.example.",
        "awild.example",
        "x",
    ] {
        assert!(!matches(&wild, None, host), "{host}");
    }
    for pattern in ["*", "*.", "a*.example", "*a.example", "a.*.example", "**.example"] {
        assert!(!matches(&[dns(pattern)], None, "aa.example"), "{pattern}");
        assert!(!matches(&[dns(pattern)], None, "a.b.example"), "{pattern}");
    }
    assert!(matches(&[], Some("*.example"), "a.example"), "the common name too");
    assert!(!matches(&[dns("*.0.0.1")], None, "127.0.0.1"), "an address is no name");
}

#[test]
fn case_is_asciis_alone() {
    assert!(matches(&[dns("LOCALHOST")], None, "localhost"));
    assert!(!matches(&[dns("m\u{fc}nchen.example")], None, "M\u{dc}NCHEN.example"));
}

#[test]
fn no_names_and_nuls_fail() {
    assert_eq!(decide(&[], None, "localhost"), Err(Mismatch::NoNames));
    assert_eq!(
        decide(&[dns("localhost\0.evil.example")], None, "localhost"),
        Err(Mismatch::EmbeddedNul)
    );
    assert_eq!(decide(&[], Some(b"localhost\0"), "localhost"), Err(Mismatch::EmbeddedNul));
    assert_eq!(
        decide(&[Name::Address(&[1, 2, 3])], None, "localhost"),
        Err(Mismatch::AddressLength(3))
    );
    assert_eq!(decide(&[dns("localhost")], None, ""), Err(Mismatch::NoHost));
}

#[test]
fn sni_goes_by_libpqs_idea_of_an_address() {
    assert_eq!(sni("db.example"), Some("db.example"));
    for host in ["", "127.0.0.1", "127.1", "1.2.3.4.5", "::1", "fe80::1%lo"] {
        assert_eq!(sni(host), None, "{host}");
    }
}

/// Builds a certificate by OpenSSL, which takes names that rcgen would not.
fn certificate(common_names: &[&str], sans: &[(bool, &str)]) -> Vec<u8> {
    use openssl::x509::extension::SubjectAlternativeName;
    let (template, key) = crate::testing::version_1(openssl::hash::MessageDigest::sha256());
    let mut name = openssl::x509::X509Name::builder().expect("name");
    for common_name in common_names {
        name.append_entry_by_text("CN", common_name).expect("name");
    }
    let name = name.build();
    let mut builder = openssl::x509::X509::builder().expect("builder");
    builder.set_version(2).expect("version");
    builder.set_subject_name(&name).expect("subject");
    builder.set_issuer_name(template.issuer_name()).expect("issuer");
    builder.set_not_before(template.not_before()).expect("time");
    builder.set_not_after(template.not_after()).expect("time");
    builder.set_pubkey(&key).expect("key");
    if !sans.is_empty() {
        let mut extension = SubjectAlternativeName::new();
        for (is_address, san) in sans {
            if *is_address {
                extension.ip(san)
            } else {
                extension.dns(san)
            };
        }
        let extension = extension.build(&builder.x509v3_context(None, None)).expect("extension");
        builder.append_extension(extension).expect("extension");
    }
    builder.sign(&key, openssl::hash::MessageDigest::sha256()).expect("signature");
    builder.build().to_der().expect("DER")
}

#[test]
fn certificates_are_read_as_they_are() {
    let both = certificate(&["cn.example"], &[(false, "san.example"), (true, "127.0.0.1")]);
    assert_eq!(verify(&both, "san.example"), Ok(()));
    assert_eq!(verify(&both, "127.1"), Ok(()));
    assert!(matches!(verify(&both, "cn.example"), Err(Mismatch::Other { .. })));
    let two = certificate(&["first.example", "second.example"], &[]);
    assert_eq!(verify(&two, "first.example"), Ok(()));
    assert!(verify(&two, "second.example").is_err(), "only the first common name counts");
    assert_eq!(verify(&certificate(&[], &[]), "localhost"), Err(Mismatch::NoNames));
    assert!(matches!(verify(b"\x30\x03\x02\x01\x00", "localhost"), Err(Mismatch::Unreadable(_))));
}

#[test]
fn the_error_tells_whom_the_certificate_is_for() {
    let error =
        decide(&[dns("wrong.example"), V4], Some(b"ignored"), "localhost").expect_err("no match");
    assert_eq!(
        error.to_string(),
        "the certificate is for \"wrong.example\", 127.0.0.1, not for \"localhost\""
    );
}

proptest! {
    #![proptest_config(crate::testing::seeded())]

    #[test]
    fn a_name_matches_itself_in_any_case(host in "[a-z0-9-]{1,12}(\\.[a-z0-9-]{1,12}){0,4}") {
        let upper = host.to_ascii_uppercase();
        prop_assert!(matches(&[dns(&upper)], None, &host));
        prop_assert!(matches(&[], Some(&upper), &host));
    }

    #[test]
    fn a_wildcard_matches_exactly_one_more_label(
        label in "[a-z]{1,8}", extra in proptest::option::of("[a-z]{1,8}"), rest in "[a-z]{1,8}\\.[a-z]{1,8}",
    ) {
        let pattern = format!("*.{rest}");
        let host = match &extra {
            Some(extra) => format!("{label}.{extra}.{rest}"),
            None => format!("{label}.{rest}"),
        };
        prop_assert_eq!(matches(&[dns(&pattern)], None, &host), extra.is_none());
    }

    #[test]
    fn an_address_matches_by_value_in_every_spelling(address: [u8; 4]) {
        let whole = u32::from_be_bytes(address);
        let [a, b, c, d] = address;
        for host in [
            format!("{a}.{b}.{c}.{d}"),
            format!("0{a:o}.0x{b:x}.{c}.{d}"),
            format!("{a}.{}", whole & 0x00ff_ffff),
            format!("{a}.{b}.{}", whole & 0xffff),
            whole.to_string(),
        ] {
            prop_assert!(matches(&[Name::Address(&address)], None, &host), "{}", host);
        }
    }

    #[test]
    fn nothing_panics_and_no_stranger_passes(
        names in proptest::collection::vec((any::<bool>(), proptest::collection::vec(any::<u8>(), 0..20)), 0..4),
        host in "[ -~]{0,20}",
    ) {
        let sans: Vec<Name<'_>> = names
            .iter()
            .map(|(text, bytes)| if *text { Name::Text(bytes) } else { Name::Address(bytes) })
            .collect();
        if decide(&sans, None, &host).is_ok() {
            let address = parse_ip(&host);
            let justified = names.iter().any(|(text, bytes)| match text {
                true => bytes.eq_ignore_ascii_case(host.as_bytes()) || bytes.starts_with(b"*."),
                false => match address {
                    Some(IpAddr::V4(v4)) => v4.octets() == bytes[..],
                    Some(IpAddr::V6(v6)) => v6.octets() == bytes[..],
                    None => false,
                },
            });
            prop_assert!(justified);
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(der in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = verify(&der, "localhost");
    }
}
