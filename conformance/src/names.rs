//! Whether a name in a certificate is the host's, by libpq's rules.
//!
//! fe-secure-common.c (`pq_verify_peer_name_matches_certificate_name`, `…_ip`) and
//! fe-secure-openssl.c (`pgtls_verify_peer_name_matches_certificate_guts`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::axes::Names;

/// Whether any name that counts matches the host.
#[must_use]
pub fn matches(names: &Names, host: &str) -> bool {
    let address = address(host);
    let any_dns = names.dns.iter().any(|pattern| matches_pattern(pattern, host));
    let any_ip = address.is_some_and(|address| names.ips.contains(&address));
    let san_of_the_hosts_kind =
        if address.is_some() { !names.ips.is_empty() } else { !names.dns.is_empty() };
    any_dns
        || any_ip
        || (!san_of_the_hosts_kind
            && names.common_name.is_some_and(|name| matches_pattern(name, host)))
}

/// Equal but for ASCII case, or a wildcard that stands for exactly the left-most label.
fn matches_pattern(pattern: &str, host: &str) -> bool {
    if pattern.contains('\0') {
        return false;
    }
    if pattern.eq_ignore_ascii_case(host) {
        return true;
    }
    // The host ends as the pattern does behind its star, and has no dot left of that. libpq's
    // bound is one byte off, so that `a..wild.example` matches `*.wild.example`; measured.
    let (Some(parent), Some(left)) =
        (pattern.strip_prefix('*'), host.len().checked_sub(pattern.len()))
    else {
        return false;
    };
    parent.starts_with('.')
        && parent.len() > 1
        && host.as_bytes()[left + 1..].eq_ignore_ascii_case(parent.as_bytes())
        && host.find('.').is_some_and(|dot| dot >= left)
}

/// The address that a host is, in any spelling that `inet_aton` or `inet_pton` reads.
#[must_use]
pub fn address(host: &str) -> Option<IpAddr> {
    inet_aton(host).map(IpAddr::V4).or_else(|| host.parse::<Ipv6Addr>().ok().map(IpAddr::V6))
}

/// `127.1`, `0x7f000001`, `192.000.002.001`, …: one to four numbers, the last filling the rest.
///
/// glibc reads a leading zero as octal; where that is no number (`192.009.002.001`), there is no
/// address.
fn inet_aton(text: &str) -> Option<Ipv4Addr> {
    let parts = text.split('.').map(number).collect::<Option<Vec<u32>>>()?;
    let (last, heads) = parts.split_last()?;
    if heads.len() > 3 || heads.iter().any(|head| *head > 255) {
        return None;
    }
    let room = 32 - 8 * u32::try_from(heads.len()).ok()?;
    if room < 32 && *last >> room != 0 {
        return None;
    }
    let head = heads.iter().zip([24, 16, 8]).fold(0, |sum, (head, shift)| sum | head << shift);
    Some(Ipv4Addr::from(head | last))
}

fn number(text: &str) -> Option<u32> {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u32::from_str_radix(hex, 16).ok();
    }
    match text.strip_prefix('0') {
        Some("") => Some(0),
        Some(octal) => u32::from_str_radix(octal, 8).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axes::Certificate;

    #[test]
    fn each_row_of_the_rules() {
        use Certificate::*;
        for (certificate, host, expected) in [
            (Valid, "localhost", true),
            (Valid, "LOCALHOST", true),
            (Valid, "localhost.", false),
            (Valid, "127.0.0.1", true),
            (Valid, "127.1", true),
            (Valid, "0177.0.0.1", true),
            (Valid, "127.0.0.1/32", false),
            (Valid, "::1", false),
            (LocalhostOnly, "127.0.0.1", false),
            (WrongHost, "localhost", false),
            (WrongHost, "wrong.example", true),
            (CnOnly, "localhost", true),
            (CnOnly, "127.0.0.1", false),
            (NoNames, "localhost", false),
            (SanOverridesCn, "localhost", false),
            (SanOverridesCn, "wrong.example", true),
            (Wildcard, "a.wild.example", true),
            (Wildcard, "A.WILD.example", true),
            (Wildcard, "wild.example", false),
            (Wildcard, ".wild.example", false),
            (Wildcard, "a.b.wild.example", false),
            (Wildcard, "a..wild.example", true),
            (Wildcard, "*.wild.example", true),
            (Wildcard, "a.wild.example.", false),
        ] {
            assert_eq!(matches(&certificate.names(), host), expected, "{certificate} {host}");
        }
    }

    #[test]
    fn a_common_name_counts_where_no_san_is_of_the_hosts_kind() {
        let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST)];
        let names = |dns, ips| Names { common_name: Some("127.0.0.1"), dns, ips };
        assert!(matches(&names(&["x.example"], &[]), "127.0.0.1"));
        let elsewhere: &'static [IpAddr] = &[IpAddr::V4(Ipv4Addr::UNSPECIFIED)];
        assert!(!matches(&names(&[], elsewhere), "127.0.0.1"));
        assert_eq!(address("192.000.002.001"), Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))));
        assert_eq!(address("127.0.0.1"), Some(loopback[0]));
        assert_eq!(address("1.2.3.4.5"), None);
        assert_eq!(address("256.1"), None);
    }
}
