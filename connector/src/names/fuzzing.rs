//! Which names a certificate stands for, held against libpq's own code.

use std::ffi::CStr;

use super::*;

/// A host (the first line) and a certificate's names, one a line behind a letter: `d` dNSName, `a` iPAddress, `c` common
/// name. The decision is libpq's.
pub fn host_name(data: &[u8]) {
    let mut lines = data.split(|&byte| byte == b'\n');
    let Some(Ok(host)) = lines.next().map(std::str::from_utf8) else { return };
    // A connection string holds none.
    if host.contains('\0') {
        return;
    }
    let (mut sans, mut common_name) = (Vec::new(), None);
    for line in lines {
        match line.split_first() {
            Some((b'd', name)) => sans.push(Name::Text(name)),
            Some((b'a', address)) => sans.push(Name::Address(address)),
            Some((b'c', name)) => common_name = common_name.or(Some(name)),
            _ => {}
        }
    }
    let decided = decide(&sans, common_name, host);
    assert_eq!(decided.is_ok(), libpq(&sans, common_name, host) == Some(true), "{decided:?}");
    if let Err(mismatch) = decided {
        let shown = mismatch.to_string();
        assert!(
            !shown.bytes().any(|byte| byte.is_ascii_control()) || host.contains(char::is_control)
        );
    }
    // The standard library reads the usual forms, and these mean the same here.
    if let Ok(address) = host.parse::<IpAddr>() {
        assert_eq!(parse_ip(host), Some(address));
        assert!(sni(host).is_none());
    }
}

/// `pgtls_verify_peer_name_matches_certificate_guts`; none for an error.
fn libpq(sans: &[Name<'_>], common_name: Option<&[u8]>, host: &str) -> Option<bool> {
    if host.is_empty() {
        return None;
    }
    let address = parse_ip(host);
    let mut check_common_name = true;
    for san in sans {
        if matches!(san, Name::Address(_)) == address.is_some() {
            check_common_name = false;
        }
        let matches = match san {
            Name::Text(name) => text(name, host, address)?,
            Name::Address(bytes) => match (bytes.len(), address) {
                (4, Some(IpAddr::V4(address))) => address.octets() == *bytes,
                (16, Some(IpAddr::V6(address))) => address.octets() == *bytes,
                (4 | 16, _) => false,
                _ => return None,
            },
        };
        if matches {
            return Some(true);
        }
    }
    match common_name {
        Some(name) if check_common_name => text(name, host, address),
        _ => Some(false),
    }
}

/// `pq_verify_peer_name_matches_certificate_name`, without wildcards for addresses.
fn text(name: &[u8], host: &str, address: Option<IpAddr>) -> Option<bool> {
    let name = [name, &[0]].concat();
    let name = CStr::from_bytes_with_nul(&name).ok()?.to_bytes();
    let host = host.as_bytes();
    Some(name.eq_ignore_ascii_case(host) || (address.is_none() && wildcard(name, host)))
}

/// `wildcard_certificate_match`, but for hosts with an empty label: libpq looks for a dot one byte too early, so that in
/// `a..e` the star of `*.e` may stand for `a.` there. No name in DNS has such a label.
fn wildcard(pattern: &[u8], host: &[u8]) -> bool {
    if pattern.len() < 3 || !pattern.starts_with(b"*.") || pattern.len() > host.len() {
        return false;
    }
    let start = host.len() - pattern.len() + 1;
    pattern[1..].eq_ignore_ascii_case(&host[start..])
        && host.iter().position(|&byte| byte == b'.') == Some(start)
}
