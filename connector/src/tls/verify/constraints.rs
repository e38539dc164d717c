//! Name constraints (RFC 5280, section 4.2.1.10) as OpenSSL holds names against them (`NAME_CONSTRAINTS_check`).

use super::der::{self, Malformed, Reader, Result, SEQUENCE, Value, constructed, context};
use super::names::{GeneralName, Name};

/// id-on-SmtpUTF8Mailbox, 1.3.6.1.5.5.7.8.9: an e-mail address that is not ASCII (RFC 8398).
const SMTP_UTF8_MAILBOX: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x08, 0x09];

/// More comparisons than this are an attack on the processor; OpenSSL's number.
const MOST_COMPARISONS: usize = 1 << 20;

/// What an authority may name.
#[derive(Debug, Clone)]
pub(super) struct Constraints {
    permitted: Vec<Subtree>,
    excluded: Vec<Subtree>,
}

#[derive(Debug, Clone)]
struct Subtree {
    base: GeneralName,
    /// Without a minimum and a maximum, which nothing supports.
    is_plain: bool,
}

/// Why a certificate is not within the constraints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Violation {
    #[error("an authority above it does not permit its names")]
    NotPermitted,
    #[error("an authority above it excludes its names")]
    Excluded,
    #[error("it cannot be told whether an authority above it permits its names")]
    Unsupported,
}

impl Constraints {
    pub(super) fn read(bytes: &[u8]) -> Result<Constraints> {
        let mut reader = Reader::new(der::first(bytes, SEQUENCE)?);
        let mut subtrees = |number| match reader.optional(constructed(number))? {
            Some(subtrees) => der::each(subtrees.contents, Subtree::read),
            None => Ok(Vec::new()),
        };
        let (permitted, excluded) = (subtrees(0)?, subtrees(1)?);
        reader.finish()?;
        Ok(Constraints { permitted, excluded })
    }

    /// Whether a certificate's names are within. A leaf without a dNSName may go by its common names, so these count
    /// like dNSNames, where they look like a host's.
    pub(super) fn allow(
        &self,
        subject: &Name,
        alternative: &[GeneralName],
        is_leaf: bool,
    ) -> std::result::Result<(), Violation> {
        let subtrees = self.permitted.len() + self.excluded.len();
        if subtrees.saturating_mul(subject.attributes + alternative.len()) > MOST_COMPARISONS {
            return Err(Violation::Unsupported);
        }
        if subject.attributes > 0 {
            self.allow_name(&GeneralName::Directory(subject.clone()))?;
            for address in &subject.email_addresses {
                let address = address.clone().ok_or(Violation::Unsupported)?;
                self.allow_name(&GeneralName::Email(address))?;
            }
        }
        for name in alternative {
            self.allow_name(name)?;
        }
        if is_leaf && !alternative.iter().any(|name| matches!(name, GeneralName::Dns(_))) {
            for name in &subject.common_names {
                if let Some(host) = host(name)? {
                    self.allow_name(&GeneralName::Dns(host.to_vec()))?;
                }
            }
        }
        Ok(())
    }

    /// One name: within one of the permitted subtrees of its kind, if there are any, and within no excluded one.
    fn allow_name(&self, name: &GeneralName) -> std::result::Result<(), Violation> {
        let mut permitted = None;
        for subtree in self.permitted.iter().filter(|subtree| subtree.is_about(name)) {
            let known = subtree.is_plain && permitted == Some(true);
            permitted = Some(known || subtree.holds(name)?);
        }
        if permitted == Some(false) {
            return Err(Violation::NotPermitted);
        }
        for subtree in self.excluded.iter().filter(|subtree| subtree.is_about(name)) {
            if subtree.holds(name)? {
                return Err(Violation::Excluded);
            }
        }
        Ok(())
    }
}

impl Subtree {
    fn read(value: Value<'_>) -> Result<Subtree> {
        if value.tag != SEQUENCE {
            return Err(Malformed);
        }
        let mut reader = Reader::new(value.contents);
        let base = GeneralName::read(reader.value()?)?;
        let minimum = reader.optional(context(0))?;
        let maximum = reader.optional(context(1))?;
        reader.finish()?;
        let is_plain = minimum.is_none_or(|minimum| minimum.contents == [0]) && maximum.is_none();
        Ok(Subtree { base, is_plain })
    }

    /// Whether it says anything about names of this kind.
    fn is_about(&self, name: &GeneralName) -> bool {
        use GeneralName::{Address, Directory, Dns, Email, Other, Rare, Uri};
        match (&self.base, name) {
            (Email(_), Other { kind, .. }) => kind == SMTP_UTF8_MAILBOX,
            (Other { kind: base, .. }, Other { kind, .. }) => base == kind,
            (Rare(base, _), Rare(tag, _)) => base == tag,
            (Email(_), Email(_))
            | (Dns(_), Dns(_))
            | (Directory(_), Directory(_))
            | (Uri(_), Uri(_))
            | (Address(_), Address(_)) => true,
            _ => false,
        }
    }

    fn holds(&self, name: &GeneralName) -> std::result::Result<bool, Violation> {
        use GeneralName::{Address, Directory, Dns, Email, Uri};
        if !self.is_plain {
            return Err(Violation::Unsupported);
        }
        match (&self.base, name) {
            (Directory(base), Directory(name)) => Ok(name.is_within(base)),
            (Dns(base), Dns(name)) => Ok(dns_within(name, base)),
            (Email(base), Email(name)) => email_within(name, base),
            (Uri(base), Uri(name)) => uri_within(name, base),
            (Address(base), Address(name)) => address_within(name, base),
            _ => Err(Violation::Unsupported),
        }
    }
}

fn ends_with(name: &[u8], end: &[u8]) -> bool {
    name.len() >= end.len() && name[name.len() - end.len()..].eq_ignore_ascii_case(end)
}

/// The base itself, or labels and a dot before it; an empty base is everything.
fn dns_within(name: &[u8], base: &[u8]) -> bool {
    let more = name.len().saturating_sub(base.len());
    base.is_empty()
        || (ends_with(name, base) && (more == 0 || base[0] == b'.' || name[more - 1] == b'.'))
}

/// A mailbox, a host's mailboxes, or (with a dot first) those of the hosts below.
fn email_within(name: &[u8], base: &[u8]) -> std::result::Result<bool, Violation> {
    let split = |address: &[u8]| address.iter().rposition(|&byte| byte == b'@');
    let at = split(name).ok_or(Violation::Unsupported)?;
    let base_at = split(base);
    if base_at.is_none() && base.first() == Some(&b'.') {
        return Ok(name.len() > base.len() && ends_with(name, base));
    }
    let host = match base_at {
        Some(base_at) => {
            let (local, base_local) = (&name[..at], &base[..base_at]);
            if !base_local.is_empty() {
                if local.len() != base_local.len() {
                    return Ok(false);
                }
                if local.contains(&0) || base_local.contains(&0) {
                    return Err(Violation::Unsupported);
                }
                if local != base_local {
                    return Ok(false);
                }
            }
            &base[base_at + 1..]
        }
        None => base,
    };
    Ok(name[at + 1..].eq_ignore_ascii_case(host))
}

/// A host, or (with a dot first) the hosts below.
fn uri_within(name: &[u8], base: &[u8]) -> std::result::Result<bool, Violation> {
    let find = |text: &[u8], wanted: u8| text.iter().position(|&byte| byte == wanted);
    let scheme = find(name, b':').ok_or(Violation::Unsupported)?;
    let rest = name[scheme..].strip_prefix(b"://").ok_or(Violation::Unsupported)?;
    let end = find(rest, b':').or_else(|| find(rest, b'/')).unwrap_or(rest.len());
    let host = &rest[..end];
    if host.is_empty() {
        return Err(Violation::Unsupported);
    }
    Ok(match base.first() {
        Some(b'.') => host.len() > base.len() && ends_with(host, base),
        _ => host.eq_ignore_ascii_case(base),
    })
}

/// Address and mask, of 4 or 16 bytes each.
fn address_within(address: &[u8], base: &[u8]) -> std::result::Result<bool, Violation> {
    if ![4, 16].contains(&address.len()) || ![8, 32].contains(&base.len()) {
        return Err(Violation::Unsupported);
    }
    let (network, mask) = base.split_at(base.len() / 2);
    Ok(address.len() == network.len()
        && address.iter().zip(network).zip(mask).all(|((a, n), m)| a & m == n & m))
}

/// The host that a common name is, if it looks like one of two labels at least (`cn2dnsid`).
fn host(common_name: &[u8]) -> std::result::Result<Option<&[u8]>, Violation> {
    let end = common_name.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    let name = &common_name[..end];
    if name.contains(&0) {
        return Err(Violation::Unsupported);
    }
    let mut has_dot = false;
    for (index, &byte) in name.iter().enumerate() {
        let inner = index > 0 && index + 1 < name.len();
        match byte {
            b'_' => {}
            _ if byte.is_ascii_alphanumeric() => {}
            b'-' if inner => {}
            b'.' if inner
                && name[index - 1] != b'-'
                && ![b'.', b'-'].contains(&name[index + 1]) =>
            {
                has_dot = true;
            }
            _ => return Ok(None),
        }
    }
    Ok(has_dot.then_some(name))
}
