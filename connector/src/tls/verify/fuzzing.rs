//! Certificates and revocation lists, held against what OpenSSL and x509-parser read.

use std::collections::HashSet;

use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::x509::{X509, X509Crl};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName as ParsedName;
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;

use super::certificate::Certificate;
use super::names::GeneralName;
use super::revocation::List;
use crate::{binding, names};

/// A certificate that is read here OpenSSL reads too, and what decides is the same in all three readings.
pub fn certificate(data: &[u8]) {
    let end_point = binding::tls_server_end_point(data);
    assert!(end_point.is_none_or(|hash| [28, 32, 48, 64].contains(&hash.len())));
    let _ = names::verify(data, "db.example");
    let Ok(ours) = Certificate::read(data) else { return };
    assert_eq!(ours.der, data);
    let openssl = X509::from_der(data).expect("what OpenSSL refuses is refused here");
    assert_eq!(ours.subject.attributes, openssl.subject_name().entries().count());
    assert_eq!(ours.is_version_1, openssl.version() == 0);
    assert_eq!(ours.validity, (seconds(openssl.not_before()), seconds(openssl.not_after())));
    if let Ok((rest, theirs)) = X509Certificate::from_der(data) {
        assert_eq!(rest, b"");
        agree(&ours, &theirs);
    }
}

fn agree(ours: &Certificate, theirs: &X509Certificate<'_>) {
    assert_eq!(ours.serial, theirs.raw_serial());
    let validity = theirs.validity();
    assert_eq!(ours.validity, (validity.not_before.timestamp(), validity.not_after.timestamp()));
    let extensions = &ours.extensions;
    if extensions.malformed {
        return;
    }
    if let Ok(Some(constraints)) = theirs.basic_constraints() {
        let (value, ours) = (constraints.value, extensions.basic_constraints.expect("it is there"));
        assert_eq!(ours.authority, value.ca);
        assert_eq!(ours.path_length, value.path_len_constraint.map(u64::from));
    }
    if let Ok(Some(names)) = theirs.subject_alternative_name() {
        let ours = extensions.alternative_names.iter().flatten().filter_map(|name| match name {
            GeneralName::Dns(name) | GeneralName::Address(name) => Some(&name[..]),
            _ => None,
        });
        let theirs = names.value.general_names.iter().filter_map(|name| match name {
            ParsedName::DNSName(name) => Some(name.as_bytes()),
            ParsedName::IPAddress(address) => Some(*address),
            _ => None,
        });
        assert!(ours.eq(theirs), "{extensions:?}");
    }
}

/// A revocation list that is read here OpenSSL reads too, and the same serial numbers stand in it.
pub fn revocation_list(data: &[u8]) {
    let Ok(ours) = List::read(data) else { return };
    let openssl = X509Crl::from_der(data).expect("what OpenSSL refuses is refused here");
    assert_eq!(ours.this_update, seconds(openssl.last_update()));
    assert_eq!(ours.next_update, openssl.next_update().map(seconds));
    let numbers = openssl.get_revoked().into_iter().flatten().map(|entry| {
        let number = entry.serial_number().to_bn().expect("memory");
        number.to_dec_str().expect("memory").to_string()
    });
    assert_eq!(ours.revoked.len(), numbers.collect::<HashSet<_>>().len());
    if let Ok((rest, theirs)) = CertificateRevocationList::from_der(data) {
        assert_eq!(rest, b"");
        let theirs = theirs.iter_revoked_certificates().map(|entry| entry.raw_serial().to_vec());
        assert_eq!(ours.revoked, theirs.collect());
    }
}

/// Since 1970.
fn seconds(time: &Asn1TimeRef) -> i64 {
    let epoch = Asn1Time::from_unix(0).expect("memory");
    let since = epoch.diff(time).expect("a time that OpenSSL reads");
    i64::from(since.days) * 86_400 + i64::from(since.secs)
}
