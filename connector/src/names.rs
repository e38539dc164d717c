//! Which names a certificate stands for, and whether the host is one of them: libpq's rules, not the TLS libraries'.
//!
//! After `pq_verify_peer_name_matches_certificate_name` and its neighbours in libpq's fe-secure-common.c, and
//! `pgtls_verify_peer_name_matches_certificate_guts` in fe-secure-openssl.c.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// Why a certificate is not the host's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Mismatch {
    #[error("verify-full needs a host name, and only hostaddr is given")]
    NoHost,
    #[error("the certificate cannot be read: {0}")]
    Unreadable(String),
    #[error("the certificate holds no name for which a server could stand")]
    NoNames,
    #[error("a name in the certificate holds a NUL")]
    EmbeddedNul,
    #[error("the certificate holds an IP address of {0} bytes")]
    AddressLength(usize),
    #[error("the certificate is for {names}, not for \"{host}\"")]
    Other { host: String, names: String },
}

/// A name as the certificate holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Name<'a> {
    /// dNSName or common name, as bytes: nothing says that they are text.
    Text(&'a [u8]),
    /// iPAddress, as bytes.
    Address(&'a [u8]),
}

/// Whether the certificate (DER) stands for `host`.
///
/// # Errors
/// It does not, or it cannot be told.
pub(crate) fn verify(certificate: &[u8], host: &str) -> Result<(), Mismatch> {
    let unreadable = |error: &dyn std::fmt::Display| Mismatch::Unreadable(error.to_string());
    let (_, certificate) =
        X509Certificate::from_der(certificate).map_err(|error| unreadable(&error))?;
    let mut names = Vec::new();
    if let Some(extension) =
        certificate.subject_alternative_name().map_err(|error| unreadable(&error))?
    {
        for name in &extension.value.general_names {
            match name {
                GeneralName::DNSName(name) => names.push(Name::Text(name.as_bytes())),
                GeneralName::IPAddress(address) => names.push(Name::Address(address)),
                GeneralName::Invalid(tag, _) => {
                    return Err(Mismatch::Unreadable(format!(
                        "subjectAltName of type {} is malformed",
                        tag.0
                    )));
                }
                _ => {}
            }
        }
    }
    let common_name =
        certificate.subject().iter_common_name().next().map(|name| name.attr_value().data);
    decide(&names, common_name, host)
}

/// The decision itself: the first common name counts unless a SAN of the host's own kind stands there.
fn decide(sans: &[Name<'_>], common_name: Option<&[u8]>, host: &str) -> Result<(), Mismatch> {
    if host.is_empty() {
        return Err(Mismatch::NoHost);
    }
    let address = parse_ip(host);
    for san in sans {
        let found = match san {
            Name::Text(name) => text_matches(name, host, address.is_some())?,
            Name::Address(bytes) => address_matches(bytes, address)?,
        };
        if found {
            return Ok(());
        }
    }
    let same_kind = |san: &Name<'_>| matches!(san, Name::Address(_)) == address.is_some();
    let common_name = common_name.filter(|_| !sans.iter().any(same_kind));
    if let Some(name) = common_name
        && text_matches(name, host, address.is_some())?
    {
        return Ok(());
    }
    if sans.is_empty() && common_name.is_none() {
        return Err(Mismatch::NoNames);
    }
    let names: Vec<String> =
        sans.iter().cloned().chain(common_name.map(Name::Text)).map(show).collect();
    Err(Mismatch::Other { host: host.to_owned(), names: names.join(", ") })
}

/// A dNSName or common name. An IP address matches by its exact text, a host name also by a wildcard.
fn text_matches(name: &[u8], host: &str, host_is_ip: bool) -> Result<bool, Mismatch> {
    if name.contains(&0) {
        return Err(Mismatch::EmbeddedNul);
    }
    let host = host.as_bytes();
    Ok(name.eq_ignore_ascii_case(host) || (!host_is_ip && wildcard_matches(name, host)))
}

/// `*.rest`: the star is the whole left-most label and stands for exactly one.
fn wildcard_matches(pattern: &[u8], host: &[u8]) -> bool {
    let Some(rest) = pattern.strip_prefix(b"*").filter(|rest| rest.len() > 1 && rest[0] == b'.')
    else {
        return false;
    };
    match host.iter().position(|&byte| byte == b'.') {
        Some(dot) if dot > 0 => host[dot..].eq_ignore_ascii_case(rest),
        _ => false,
    }
}

fn address_matches(bytes: &[u8], host: Option<IpAddr>) -> Result<bool, Mismatch> {
    let address: IpAddr = if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        Ipv4Addr::from(v4).into()
    } else if let Ok(v6) = <[u8; 16]>::try_from(bytes) {
        Ipv6Addr::from(v6).into()
    } else {
        return Err(Mismatch::AddressLength(bytes.len()));
    };
    Ok(host == Some(address))
}

fn show(name: Name<'_>) -> String {
    match name {
        Name::Text(name) => format!("\"{}\"", name.escape_ascii()),
        Name::Address(bytes) => match (<[u8; 4]>::try_from(bytes), <[u8; 16]>::try_from(bytes)) {
            (Ok(v4), _) => Ipv4Addr::from(v4).to_string(),
            (_, Ok(v6)) => Ipv6Addr::from(v6).to_string(),
            _ => "an address of unknown kind".to_owned(),
        },
    }
}

/// The IP address that libpq sees in `text`: what C's `inet_aton` takes for IPv4, what `inet_pton` takes for IPv6.
pub(crate) fn parse_ip(text: &str) -> Option<IpAddr> {
    parse_ipv4(text).map(IpAddr::V4).or_else(|| text.parse::<Ipv6Addr>().ok().map(IpAddr::V6))
}

/// One to four numbers, decimal, octal (`0…`) or hexadecimal (`0x…`); the last fills the bytes that are left.
fn parse_ipv4(text: &str) -> Option<Ipv4Addr> {
    let parts: Vec<u32> = text.split('.').map(parse_number).collect::<Option<_>>()?;
    let (last, leading) = parts.split_last()?;
    if leading.len() > 3 || leading.iter().any(|&part| part > 0xff) {
        return None;
    }
    let bits = 8 * (4 - leading.len() as u32);
    if bits < 32 && *last >> bits != 0 {
        return None;
    }
    let high = leading.iter().fold(0u32, |sum, part| (sum << 8) | part);
    let high = if bits == 32 { 0 } else { high << bits };
    Some(Ipv4Addr::from(high | last))
}

fn parse_number(text: &str) -> Option<u32> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (&text[1..], 8),
        None => (text, 10),
    };
    // from_str_radix would take a sign.
    match digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => u32::from_str_radix(digits, radix).ok(),
        false => None,
    }
}

/// The name to send as SNI: none for an IP address, by libpq's own, coarser idea of one.
pub(crate) fn sni(host: &str) -> Option<&str> {
    let numeric = host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    (!host.is_empty() && !numeric && !host.contains(':')).then_some(host)
}

#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
#[cfg(test)]
mod tests;
