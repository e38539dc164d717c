//! What authorities and attackers do to chains.

use super::forge::{
    Digest, Extension, Flaw, KEYS, LAST_GOOD_KEY, STYLES, Style, name, sequence, tlv,
};
use super::world::{
    CRL_SIGN, DAY, KEY_CERT_SIGN, ListNode, NOW, Place, World, bits, general, identifier, some_name,
};

/// One thing done to a chain: what, to which certificate, and which of the ways to do it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Twist {
    pub(super) what: What,
    pub(super) at: u8,
    pub(super) how: u8,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum What {
    KeyUsage,
    BasicConstraints,
    ExtendedKeyUsage,
    NetscapeType,
    SubjectKey,
    AuthorityKey,
    CriticalIdentifiers,
    UnknownExtension,
    Policies,
    TwiceTheSame,
    Malformed,
    Version,
    Serial,
    Dates,
    AlternativeNames,
    Subject,
    Constraints,
    DistributionPoints,
    Algorithm,
    Key,
    Signer,
    Flaw,
    OtherByte,
    OwnStyle,
    IssuersStyle,
    SelfIssued,
    CrossSigned,
    Impostor,
    Renewed,
    Reparented,
    OwnRoot,
    Place,
    Order,
    Lists,
    Revoked,
    ListDates,
    ListSigner,
    ListIdentifier,
    ListScope,
    ListMissing,
    ListAgain,
}

pub(super) const ALL: [What; 41] = [
    What::KeyUsage,
    What::BasicConstraints,
    What::ExtendedKeyUsage,
    What::NetscapeType,
    What::SubjectKey,
    What::AuthorityKey,
    What::CriticalIdentifiers,
    What::UnknownExtension,
    What::Policies,
    What::TwiceTheSame,
    What::Malformed,
    What::Version,
    What::Serial,
    What::Dates,
    What::AlternativeNames,
    What::Subject,
    What::Constraints,
    What::DistributionPoints,
    What::Algorithm,
    What::Key,
    What::Signer,
    What::Flaw,
    What::OtherByte,
    What::OwnStyle,
    What::IssuersStyle,
    What::SelfIssued,
    What::CrossSigned,
    What::Impostor,
    What::Renewed,
    What::Reparented,
    What::OwnRoot,
    What::Place,
    What::Order,
    What::Lists,
    What::Revoked,
    What::ListDates,
    What::ListSigner,
    What::ListIdentifier,
    What::ListScope,
    What::ListMissing,
    What::ListAgain,
];

/// Bases of subtrees.
fn some_base(how: u8) -> Vec<u8> {
    match how % 16 {
        0 => general(2, b"good.example"),
        1 => general(2, b".good.example"),
        2 => general(2, b"evil.example"),
        3 => general(2, b""),
        4 => general(7, &[10, 0, 0, 0, 255, 0, 0, 0]),
        5 => general(7, &[192, 0, 2, 0, 255, 0, 255, 0]),
        6 => {
            let mut network = [0; 32];
            network[..4].copy_from_slice(&[0x20, 1, 0xd, 0xb8]);
            network[16..20].fill(0xff);
            general(7, &network)
        }
        7 => general(7, &[10, 0, 0, 0]),
        8 => general(1, b"good.example"),
        9 => general(1, b".example"),
        10 => general(1, b"dba@good.example"),
        11 => general(6, b".good.example"),
        12 => general(4, &sequence(&[tlv(0x31, &organisation("PGTLS  chains"))])),
        13 => general(4, &sequence(&[tlv(0x31, &organisation("others"))])),
        14 => general(0, &[tlv(6, &[0x2a, 3, 4]), tlv(0xa0, &tlv(0x0c, b"x"))].concat()),
        _ => general(8, &[0x2a, 3]),
    }
}

fn organisation(text: &str) -> Vec<u8> {
    sequence(&[tlv(6, &[0x55, 0x04, 10]), tlv(0x13, text.as_bytes())])
}

impl World {
    pub(super) fn twist(&mut self, Twist { what, at, how }: Twist) {
        let count = self.nodes.len();
        let others_serial = self.nodes[usize::from(how / 8) % count].serial.clone();
        let index = usize::from(at) % count;
        let other = usize::from(how / 8) % count;
        let authority = self.authority(at);
        let node = &mut self.nodes[index];
        match what {
            What::KeyUsage => {
                node.key_usage = match how % 8 {
                    0 => None,
                    1 => Some(bits(KEY_CERT_SIGN)),
                    2 => Some(bits(CRL_SIGN)),
                    3 => Some(bits(0x80)),
                    4 => Some(bits(0x20 | KEY_CERT_SIGN)),
                    5 => Some(tlv(3, &[0])),
                    6 => Some(tlv(3, &[7, 0x00, 0x80])),
                    _ => Some(bits(0xfe)),
                };
            }
            What::BasicConstraints => {
                let length = |length: u8| Some(sequence(&[tlv(1, &[0xff]), tlv(2, &[length])]));
                node.basic_constraints = match how % 8 {
                    0 => None,
                    1 => Some(sequence(&[])),
                    2 => Some(sequence(&[tlv(1, &[0xff])])),
                    3 => length(0xff),
                    4 => Some(sequence(&[tlv(2, &[0])])),
                    5 => Some(sequence(&[tlv(1, &[0xff]), tlv(2, &[1; 9])])),
                    more => length(more - 6),
                };
            }
            What::ExtendedKeyUsage => {
                let usage = |last: u8| tlv(6, &[0x2b, 6, 1, 5, 5, 7, 3, last]);
                let purposes = match how % 8 {
                    0 => vec![],
                    1 | 2 => vec![usage(1)],
                    3 => vec![usage(2), usage(1)],
                    4 => vec![usage(2)],
                    5 => vec![tlv(6, &[0x55, 0x1d, 0x25, 0])],
                    6 => vec![tlv(6, &[0x60, 0x86, 0x48, 1, 0x86, 0xf8, 0x42, 4, 1])],
                    _ => vec![tlv(2, &[1])],
                };
                node.extended_key_usage = Some(sequence(&purposes));
            }
            What::NetscapeType => node.others.push(Extension {
                kind: vec![0x60, 0x86, 0x48, 1, 0x86, 0xf8, 0x42, 1, 1],
                critical: how & 1 == 0,
                value: bits(
                    [0x40, 0x80, 0x04, 0x07, 0x02, 0xff, 0xc0, 0x44][usize::from(how / 2 % 8)],
                ),
            }),
            What::SubjectKey => {
                node.subject_key = match how % 4 {
                    0 => None,
                    1 => Some(vec![]),
                    2 => Some(b"another".to_vec()),
                    _ => Some(identifier(other)),
                };
            }
            What::AuthorityKey => node.authority_key = how % 10,
            What::CriticalIdentifiers => node.critical_identifiers = (how & 1 == 0, how & 2 == 0),
            What::UnknownExtension => node.others.push(Extension {
                kind: match how / 2 % 4 {
                    0 => vec![0x2a, 3, 4],
                    // Proxies, and what was never an extension.
                    1 => vec![0x2b, 6, 1, 5, 5, 7, 1, 0x0e],
                    // authorityInfoAccess, issuerAltName.
                    2 => vec![0x2b, 6, 1, 5, 5, 7, 1, 1],
                    _ => vec![0x55, 0x1d, 0x12],
                },
                critical: how & 1 == 0,
                value: sequence(&[]),
            }),
            What::Policies => {
                let policy = sequence(&[sequence(&[tlv(6, &[0x2a, 3, 5])])]);
                let (kind, value) = match how / 2 % 5 {
                    0 => (vec![0x55, 0x1d, 0x20], policy),
                    1 => (vec![0x55, 0x1d, 0x24], sequence(&[tlv(0x80, &[0])])),
                    2 => (vec![0x55, 0x1d, 0x36], tlv(2, &[0])),
                    3 => (vec![0x2b, 6, 1, 5, 5, 7, 0x30, 1, 5], tlv(5, &[])),
                    _ => (vec![0x55, 0x1d, 0x21], sequence(&[])),
                };
                node.others.push(Extension { kind, critical: how & 1 == 0, value });
            }
            What::TwiceTheSame => node.twice = Some(how),
            What::Malformed => node.malformed = Some(how),
            What::Version => {
                node.version = [0, 0, 1, 2, 3][usize::from(how % 5)];
                if how & 8 == 0 {
                    node.basic_constraints = None;
                    node.key_usage = None;
                    node.extended_key_usage = None;
                    node.subject_key = None;
                    node.alternative_names = None;
                    node.authority_key = 0;
                    node.others.clear();
                }
            }
            What::Serial => {
                node.serial = match how % 5 {
                    0 => vec![0],
                    1 => vec![0xff],
                    2 => vec![0x7f; 30],
                    3 => vec![0, 0x80],
                    _ => others_serial,
                };
            }
            What::Dates => {
                node.validity = match how % 8 {
                    0 => (NOW - 20 * DAY, NOW - DAY),
                    1 => (NOW + DAY, NOW + 20 * DAY),
                    2 => (NOW - DAY, NOW),
                    3 => (NOW, NOW + DAY),
                    4 => (NOW + 1, NOW + DAY),
                    5 => (NOW - DAY, NOW + 1),
                    6 => (NOW + DAY, NOW - DAY),
                    _ => (NOW - 30 * 365 * DAY, NOW + 100 * 365 * DAY),
                };
            }
            What::AlternativeNames => {
                node.alternative_names = match how {
                    0..16 => None,
                    16..24 => Some(sequence(&[])),
                    more => Some(sequence(&[some_name(more), some_name(more / 16)])),
                };
            }
            What::Subject => {
                let subjects = [
                    "db.good.example",
                    "db.evil.example",
                    "a b",
                    "the root",
                    "link 1",
                    "",
                    "ordered+",
                    "db.good.example\0",
                    "192.0.2.1",
                    "x-.good.example",
                    "Zürich \u{0b} Nord",
                ];
                node.subject = subjects[usize::from(how) % subjects.len()].to_owned();
            }
            What::Constraints => {
                let subtree = |base: Vec<u8>, bounds: u8| {
                    let mut parts = vec![base];
                    match bounds % 16 {
                        0 => parts.push(tlv(0x80, &[1])),
                        1 => parts.push(tlv(0x81, &[9])),
                        2 => parts.push(tlv(0x80, &[0])),
                        _ => {}
                    }
                    sequence(&parts)
                };
                let (first, second) = (some_base(how), some_base(how / 16));
                let lists = match at / 16 % 6 {
                    0 => vec![tlv(0xa0, &subtree(first, how / 4))],
                    1 => vec![tlv(0xa1, &subtree(first, how / 4))],
                    2 => vec![tlv(0xa0, &[subtree(first, 9), subtree(second, how / 3)].concat())],
                    3 => vec![tlv(0xa0, &subtree(first, 9)), tlv(0xa1, &subtree(second, 9))],
                    4 => vec![tlv(0xa0, &[]), tlv(0xa1, &[])],
                    _ => vec![],
                };
                let value = sequence(&lists);
                let kind = vec![0x55, 0x1d, 0x1e];
                let at = if at % 8 == 0 { index } else { authority };
                self.nodes[at].others.push(Extension { kind, critical: how & 1 == 0, value });
            }
            What::DistributionPoints => {
                let value = sequence(&[point(how)]);
                let kind = vec![0x55, 0x1d, 0x1f];
                node.others.push(Extension { kind, critical: how & 1 == 0, value });
            }
            What::Algorithm => {
                node.digest = [Digest::Sha1, Digest::Sha384, Digest::Pss][usize::from(how % 3)];
            }
            What::Key => {
                node.key = usize::from(how) % KEYS.len();
                node.subject_key = Some(identifier(node.key));
            }
            What::Signer => node.signer = Some(usize::from(how) % KEYS.len()),
            What::Flaw => {
                node.flaw =
                    Some(if how & 1 == 0 { Flaw::BrokenSignature } else { Flaw::TwoAlgorithms });
            }
            What::OtherByte => {
                let at = u16::from(at) / 8 * 64 + u16::from(how) / 4;
                node.flaw =
                    Some(Flaw::OtherByte { at, by: [1, 0x20, 0x80, 0xff][usize::from(how % 4)] });
            }
            What::OwnStyle => node.style = STYLES[usize::from(how) % STYLES.len()],
            What::IssuersStyle => node.issuer_style = STYLES[usize::from(how) % STYLES.len()],
            What::SelfIssued => {
                // The authority with a new key, vouched for by its old one.
                let mut new = self.nodes[authority].clone();
                new.parent = authority;
                new.key = usize::from(how) % (LAST_GOOD_KEY + 1);
                new.subject_key = Some(identifier(new.key));
                new.serial = vec![2, how];
                new.place = if how & 64 == 0 { Place::Sent } else { Place::Trusted };
                new.authority_key = how / 16 % 4;
                let new = self.add(new);
                for node in &mut self.nodes[..new] {
                    if node.parent == authority && node.subject != self_name(how) {
                        node.parent = new;
                    }
                }
                self.nodes[authority].parent = match self.nodes[authority].parent {
                    parent if parent == new => authority,
                    parent => parent,
                };
            }
            What::CrossSigned => {
                let mut copy = self.nodes[authority].clone();
                copy.parent = self.authority(how);
                copy.serial = vec![3, how];
                copy.place = [Place::Sent, Place::Trusted, Place::Both][usize::from(how % 3)];
                self.add(copy);
            }
            What::Impostor => {
                let mut copy = self.nodes[index].clone();
                copy.key = usize::from(how) % KEYS.len();
                copy.serial = vec![4, how];
                if how & 16 == 0 {
                    copy.subject_key = Some(identifier(copy.key));
                }
                if self.nodes[index].parent == index {
                    copy.parent = self.nodes.len();
                }
                copy.place = if how & 32 == 0 { Place::Sent } else { Place::Trusted };
                let new = self.add(copy);
                if how & 64 == 0 {
                    self.first(new, index);
                }
            }
            What::Renewed => {
                let mut copy = self.nodes[index].clone();
                copy.serial = vec![5, how];
                copy.validity = match how % 4 {
                    0 => (NOW - 30 * DAY, NOW - 2 * DAY),
                    1 => (NOW - 30 * DAY, NOW - DAY),
                    2 => (NOW + DAY, NOW + 30 * DAY),
                    _ => (NOW - DAY, NOW + 30 * DAY),
                };
                if self.nodes[index].parent == index {
                    copy.parent = self.nodes.len();
                }
                copy.place = if how & 32 == 0 { self.nodes[index].place } else { Place::Trusted };
                let new = self.add(copy);
                if how & 64 == 0 {
                    self.first(new, index);
                }
            }
            What::Reparented => node.parent = other,
            What::OwnRoot => {
                self.nodes[0].parent = 0;
                if how & 1 == 0 {
                    self.nodes[0].place = Place::Both;
                }
            }
            What::Place => {
                node.place =
                    [Place::Sent, Place::Trusted, Place::Both, Place::Nowhere, Place::SentTwice]
                        [usize::from(how % 5)];
            }
            What::Order => {
                self.reversed = how & 1 == 0;
                self.rotated = usize::from(how / 2);
            }
            What::Lists => {
                let list = |of| ListNode {
                    of,
                    revoked: Vec::new(),
                    updates: (NOW - DAY, NOW + DAY),
                    signer: None,
                    identifier: 1,
                    scope: None,
                };
                let lists = (1..count).map(list).collect();
                self.lists = Some(lists);
            }
            What::Revoked => {
                if let Some(list) = self.list(how) {
                    list.revoked.push(index);
                }
            }
            What::ListDates => {
                if let Some(list) = self.list(at) {
                    list.updates = match how % 5 {
                        0 => (NOW + DAY, NOW + 2 * DAY),
                        1 => (NOW - 2 * DAY, NOW - DAY),
                        2 => (NOW, NOW + 1),
                        3 => (NOW - DAY, NOW),
                        _ => (NOW + 1, NOW + DAY),
                    };
                }
            }
            What::ListSigner => {
                if let Some(list) = self.list(at) {
                    list.signer = Some(usize::from(how) % KEYS.len());
                }
            }
            What::ListIdentifier => {
                if let Some(list) = self.list(at) {
                    list.identifier = how % 10;
                }
            }
            What::ListScope => {
                if let Some(list) = self.list(at) {
                    let flag = |number: u8| tlv(0x80 | number, &[0xff]);
                    list.scope = Some(sequence(&match how % 6 {
                        0 => vec![flag(1)],
                        1 => vec![flag(2)],
                        2 => vec![flag(5)],
                        3 => vec![place_name(how)],
                        4 => vec![place_name(how), flag(1)],
                        _ => vec![],
                    }));
                }
            }
            What::ListMissing => {
                if let Some(lists) = self.lists.as_mut().filter(|lists| !lists.is_empty()) {
                    lists.remove(usize::from(at) % lists.len());
                }
            }
            What::ListAgain => {
                if let Some(list) = self.list(at) {
                    let mut again = list.clone();
                    again.updates = [
                        (NOW - 2 * DAY, NOW + DAY),
                        (NOW - DAY / 2, NOW + DAY),
                        (NOW - 5 * DAY, NOW - 4 * DAY),
                    ][usize::from(how % 3)];
                    again.revoked = if how & 8 == 0 { vec![index] } else { Vec::new() };
                    if let Some(lists) = &mut self.lists {
                        lists.insert(if how & 16 == 0 { 0 } else { lists.len() }, again);
                    }
                }
            }
        }
    }

    pub(super) fn list(&mut self, at: u8) -> Option<&mut ListNode> {
        let lists = self.lists.as_mut().filter(|lists| !lists.is_empty())?;
        let index = usize::from(at) % lists.len();
        lists.get_mut(index)
    }

    /// Has the new certificate stand where the old one stood, and the other way round.
    pub(super) fn first(&mut self, new: usize, old: usize) {
        // The leaf stays the leaf.
        if old == 0 {
            return;
        }
        self.nodes.swap(new, old);
        for node in &mut self.nodes {
            node.parent = match node.parent {
                parent if parent == new => old,
                parent if parent == old => new,
                parent => parent,
            };
        }
        for list in self.lists.iter_mut().flatten() {
            list.of = match list.of {
                of if of == new => old,
                of if of == old => new,
                of => of,
            };
        }
    }
}

/// Who keeps the old key after a roll-over.
fn self_name(how: u8) -> String {
    format!("link {}", how % 3)
}

fn place_name(how: u8) -> Vec<u8> {
    let uri: &[u8] = if how & 32 == 0 { b"http://x/1" } else { b"http://x/2" };
    tlv(0xa0, &tlv(0xa0, &general(6, uri)))
}

/// A DistributionPoint.
fn point(how: u8) -> Vec<u8> {
    let issuer = |who: &str| tlv(0xa2, &general(4, &name(who, Style::Utf8)));
    sequence(&match how / 2 % 8 {
        0 | 1 => vec![place_name(how)],
        2 => vec![place_name(how), tlv(0x81, &[1, 0x60])],
        3 => vec![place_name(how), tlv(0x81, &[7, 0xff, 0x80])],
        4 => vec![issuer("the root")],
        5 => vec![place_name(how), issuer("nobody")],
        6 => vec![],
        _ => vec![tlv(0xa0, &tlv(0xa1, &organisation("x")))],
    })
}
