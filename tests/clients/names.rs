//! Whether a certificate's names are the host's, as libpq looks at them.

use std::net::{IpAddr, Ipv4Addr};

use openssl::{nid::Nid, x509::X509Ref};

use crate::{fault::Fault, settings::Settings};

/// Whether a name that counts is the host's.
pub(crate) fn are_hosts(certificate: &X509Ref, settings: &Settings) -> bool {
    let host = settings.host.as_str();
    let address = address(host);
    let spans = settings.has(Fault::WildcardSpansLabels);
    // A name of the host's own kind makes the common name count for nothing.
    let mut outdone = false;
    for name in certificate.subject_alt_names().iter().flatten() {
        if let Some(pattern) = name.dnsname() {
            outdone |= address.is_none();
            if is_name(pattern, host, spans) {
                return true;
            }
        }
        if let Some(bytes) = name.ipaddress() {
            outdone |= address.is_some();
            if address.is_some_and(|address| octets(address) == bytes) {
                return true;
            }
        }
    }
    let common_name = certificate.subject_name().entries_by_nid(Nid::COMMONNAME).next();
    let common_name = common_name.and_then(|entry| entry.data().to_string().ok());
    (!outdone || settings.has(Fault::MatchesCnBesideSan))
        && common_name.is_some_and(|name| is_name(&name, host, spans))
}

/// Whether the host is an address, so that no SNI is sent.
pub(crate) fn is_address(host: &str) -> bool {
    address(host).is_some()
}

/// The star is the whole left-most label of the pattern, and stands for one label of the host.
fn is_name(pattern: &str, host: &str, spans: bool) -> bool {
    if pattern.contains('\0') {
        return false;
    }
    if pattern.eq_ignore_ascii_case(host) {
        return true;
    }
    let (Some(parent), Some((label, rest))) = (pattern.strip_prefix("*."), host.split_once('.'))
    else {
        return false;
    };
    !label.is_empty()
        && (rest.eq_ignore_ascii_case(parent)
            || spans
                && rest
                    .to_ascii_lowercase()
                    .ends_with(&format!(".{}", parent.to_ascii_lowercase())))
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().into(),
        IpAddr::V6(address) => address.octets().into(),
    }
}

/// Every spelling that the C library takes: up to four numbers, the last one filling the rest.
fn address(host: &str) -> Option<IpAddr> {
    if host.contains(':') {
        return host.parse().ok();
    }
    let numbers: Vec<u64> = host.split('.').map(number).collect::<Option<_>>()?;
    let (last, first) = numbers.split_last()?;
    if first.len() > 3 || first.iter().any(|number| *number > 255) {
        return None;
    }
    let high =
        first.iter().enumerate().map(|(index, number)| number << (24 - 8 * index)).sum::<u64>();
    let fits = *last < 1 << (32 - 8 * first.len());
    let bits = u32::try_from(high | last).ok()?;
    fits.then(|| Ipv4Addr::from_bits(bits).into())
}

/// Decimal, octal or hexadecimal.
fn number(text: &str) -> Option<u64> {
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&text[2..], 16),
        [b'0', _, ..] => (&text[1..], 8),
        _ => (text, 10),
    };
    let plain = digits.bytes().all(|digit| digit.is_ascii_alphanumeric());
    u64::from_str_radix(digits, radix).ok().filter(|_| plain)
}
