//! Random chains, judged by us and by OpenSSL: never weaker, and stricter only for the reasons that the page on
//! differences names.
//!
//! Each begins as an honest chain, and then a few twists are done to it, as authorities and attackers make them. The
//! default is short; `PROPTEST_CASES=100000 cargo test -p pgtls-connector --lib random_chains -- --nocapture` is not.

use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};

use super::forge::{
    Digest, Draft, Extension, Flaw, KEYS, LAST_GOOD_KEY, ListDraft, STYLES, Style, name, sequence,
    tlv,
};
use super::oracle::Case;
use super::*;

/// 2026-01-01, a second of no importance.
const NOW: i64 = 1_767_225_600;
const DAY: i64 = 86_400;

/// One thing done to a chain: what, to which certificate, and which of the ways to do it.
#[derive(Debug, Clone, Copy)]
struct Twist {
    what: What,
    at: u8,
    how: u8,
}

#[derive(Debug, Clone, Copy)]
enum What {
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

const ALL: [What; 41] = [
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Sent,
    Trusted,
    Both,
    Nowhere,
    SentTwice,
}

/// A certificate of a world: what is not said of it follows from its issuer.
#[derive(Debug, Clone)]
struct Node {
    subject: String,
    style: Style,
    issuer_style: Style,
    /// Its issuer; itself for a root.
    parent: usize,
    key: usize,
    /// Another key than its issuer's.
    signer: Option<usize>,
    serial: Vec<u8>,
    version: u8,
    validity: (i64, i64),
    digest: Digest,
    flaw: Option<Flaw>,
    basic_constraints: Option<Vec<u8>>,
    key_usage: Option<Vec<u8>>,
    extended_key_usage: Option<Vec<u8>>,
    subject_key: Option<Vec<u8>>,
    authority_key: u8,
    critical_identifiers: (bool, bool),
    alternative_names: Option<Vec<u8>>,
    others: Vec<Extension>,
    twice: Option<u8>,
    malformed: Option<u8>,
    place: Place,
}

/// The authority whose lists these are, and what is special about the list.
#[derive(Debug, Clone)]
struct ListNode {
    of: usize,
    revoked: Vec<usize>,
    updates: (i64, i64),
    signer: Option<usize>,
    identifier: u8,
    scope: Option<Vec<u8>>,
}

#[derive(Debug, Clone)]
struct World {
    nodes: Vec<Node>,
    lists: Option<Vec<ListNode>>,
    reversed: bool,
    rotated: usize,
}

const KEY_CERT_SIGN: u8 = 0x04;
const CRL_SIGN: u8 = 0x02;

fn bits(byte: u8) -> Vec<u8> {
    tlv(3, &[byte.trailing_zeros().min(7) as u8, byte])
}

fn identifier(key: usize) -> Vec<u8> {
    vec![0x40 + key as u8; 8]
}

/// A GeneralName.
fn general(number: u8, contents: &[u8]) -> Vec<u8> {
    tlv(if number == 4 || number == 0 { 0xa0 | number } else { 0x80 | number }, contents)
}

/// Names of every kind that is held against constraints.
fn some_name(how: u8) -> Vec<u8> {
    match how % 16 {
        0 => general(2, b"db.good.example"),
        1 => general(2, b"db.evil.example"),
        2 => general(2, b"*.good.example"),
        3 => general(2, b"GOOD.example"),
        4 => general(7, &[10, 0, 0, 1]),
        5 => general(7, &[192, 0, 2, 1]),
        6 => general(7, &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        7 => general(7, &[10, 0, 0]),
        8 => general(1, b"dba@good.example"),
        9 => general(1, b"nobody"),
        10 => general(6, b"https://db.good.example:5432/x"),
        11 => general(6, b"urn:x"),
        12 => general(4, &name("db.good.example", Style::Utf8)),
        13 => general(8, &[0x2a, 3]),
        14 => general(0, &[tlv(6, &[0x2a, 3, 4]), tlv(0xa0, &tlv(0x0c, b"x"))].concat()),
        _ => general(2, b"xgood.example"),
    }
}

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

impl Node {
    fn new(subject: &str, parent: usize, key: usize, is_authority: bool) -> Node {
        Node {
            subject: subject.to_owned(),
            style: Style::Utf8,
            issuer_style: Style::Utf8,
            parent,
            key,
            signer: None,
            serial: vec![1, key as u8, parent as u8],
            version: 2,
            validity: (NOW - 10 * DAY, NOW + 10 * DAY),
            digest: Digest::Sha256,
            flaw: None,
            basic_constraints: is_authority.then(|| sequence(&[tlv(1, &[0xff])])),
            key_usage: is_authority.then(|| bits(KEY_CERT_SIGN | CRL_SIGN)),
            extended_key_usage: None,
            subject_key: Some(identifier(key)),
            authority_key: 1,
            critical_identifiers: (false, false),
            alternative_names: (!is_authority).then(|| sequence(&[some_name(0)])),
            others: Vec::new(),
            twice: None,
            malformed: None,
            place: Place::Sent,
        }
    }
}

impl World {
    /// An honest chain with so many intermediates.
    fn honest(intermediates: usize, keys: &[u8]) -> World {
        let key = |index: usize| usize::from(keys[index % keys.len()]) % (LAST_GOOD_KEY + 1);
        let last = intermediates + 1;
        let mut nodes = vec![Node::new("db.good.example", 1, key(0), false)];
        for index in 1..=last {
            let subject = if index == last { "the root".into() } else { format!("link {index}") };
            nodes.push(Node::new(&subject, (index + 1).min(last), key(index), true));
        }
        nodes[last].place = Place::Trusted;
        World { nodes, lists: None, reversed: false, rotated: 0 }
    }

    /// A copy of a certificate, before or behind the others.
    fn add(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// An authority, if there is one.
    fn authority(&self, at: u8) -> usize {
        1 + usize::from(at) % (self.nodes.len() - 1)
    }

    fn twist(&mut self, Twist { what, at, how }: Twist) {
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

    fn list(&mut self, at: u8) -> Option<&mut ListNode> {
        let lists = self.lists.as_mut().filter(|lists| !lists.is_empty())?;
        let index = usize::from(at) % lists.len();
        lists.get_mut(index)
    }

    /// Has the new certificate stand where the old one stood, and the other way round.
    fn first(&mut self, new: usize, old: usize) {
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

    fn authority_key(&self, kind: u8, issuer: usize) -> Option<Vec<u8>> {
        let of = &self.nodes[issuer];
        let key = |id: &[u8]| tlv(0x80, id);
        let own = key(of.subject_key.as_deref().unwrap_or(b"none"));
        let named = |common_name: &str| tlv(0xa1, &general(4, &name(common_name, of.issuer_style)));
        let above = self.nodes[of.parent].subject.as_str();
        let serial = tlv(0x82, &of.serial);
        Some(sequence(&match kind {
            0 => return None,
            1 => vec![own],
            2 => vec![own, named(above), serial],
            3 => vec![named(above), serial],
            4 => vec![key(b"wrong")],
            5 => vec![own, named(above), tlv(0x82, &[9, 9])],
            6 => vec![own, named("nobody"), serial],
            7 => vec![serial],
            8 => vec![tlv(0xa1, &general(2, b"x")), serial],
            _ => vec![],
        }))
    }

    fn certificate(&self, index: usize) -> Vec<u8> {
        let node = &self.nodes[index];
        let issuer = &self.nodes[node.parent];
        let mut extensions = Vec::new();
        let mut push = |last: u8, critical: bool, value: &Option<Vec<u8>>| {
            if let Some(value) = value.clone() {
                extensions.push(Extension { kind: vec![0x55, 0x1d, last], critical, value });
            }
        };
        let subject_key = node.subject_key.as_ref().map(|id| tlv(4, id));
        push(0x13, true, &node.basic_constraints);
        push(0x0f, true, &node.key_usage);
        push(0x25, false, &node.extended_key_usage);
        push(0x0e, node.critical_identifiers.0, &subject_key);
        push(
            0x23,
            node.critical_identifiers.1,
            &self.authority_key(node.authority_key, node.parent),
        );
        push(0x11, false, &node.alternative_names);
        extensions.extend(node.others.clone());
        let count = extensions.len().max(1);
        if let Some(twice) = node.twice
            && let Some(extension) = extensions.get(usize::from(twice) % count).cloned()
        {
            extensions.push(extension);
        }
        if let Some(how) = node.malformed
            && let Some(extension) = extensions.get_mut(usize::from(how / 8) % count)
        {
            let value = &mut extension.value;
            match how % 8 {
                0 => drop(value.pop()),
                1 => value.push(0),
                2 => value.clear(),
                3 => value[0] = 0x04,
                4 => value.extend(value.clone()),
                more => {
                    let at = usize::from(more) % value.len();
                    value[at] ^= how;
                }
            }
        }
        Draft {
            version: node.version,
            serial: node.serial.clone(),
            issuer: name(&issuer.subject, node.issuer_style),
            subject: name(&node.subject, node.style),
            validity: node.validity,
            key: node.key,
            signer: node.signer.unwrap_or(issuer.key),
            digest: node.digest,
            extensions,
            flaw: node.flaw,
        }
        .signed()
    }

    fn list_of(&self, list: &ListNode) -> Vec<u8> {
        let of = &self.nodes[list.of];
        let mut extensions =
            vec![Extension { kind: vec![0x55, 0x1d, 0x14], critical: false, value: tlv(2, &[1]) }];
        if let Some(value) = self.authority_key(list.identifier, list.of) {
            extensions.push(Extension { kind: vec![0x55, 0x1d, 0x23], critical: false, value });
        }
        if let Some(value) = list.scope.clone() {
            extensions.push(Extension { kind: vec![0x55, 0x1d, 0x1c], critical: true, value });
        }
        ListDraft {
            issuer: name(&of.subject, of.style),
            signer: list.signer.unwrap_or(of.key),
            digest: Digest::Sha256,
            updates: list.updates,
            revoked: list.revoked.iter().map(|&index| self.nodes[index].serial.clone()).collect(),
            extensions,
        }
        .signed()
    }

    fn case(&self) -> Case {
        let mut sent = Vec::new();
        let mut roots = Vec::new();
        for (index, node) in self.nodes.iter().enumerate() {
            let der = CertificateDer::from(self.certificate(index));
            let (times, trusted) = match node.place {
                Place::Sent => (1, false),
                Place::Trusted => (0, true),
                Place::Both => (1, true),
                Place::Nowhere => (0, false),
                Place::SentTwice => (2, false),
            };
            // The leaf is sent in any case, and first.
            let times = times + usize::from(index == 0 && times == 0);
            sent.extend(std::iter::repeat_n(der.clone(), times));
            if trusted {
                roots.push(der);
            }
        }
        let leaf = sent.remove(0);
        if self.reversed {
            sent.reverse();
            roots.reverse();
        }
        if !sent.is_empty() {
            let by = self.rotated % sent.len();
            sent.rotate_left(by);
        }
        let lists = self
            .lists
            .as_ref()
            .map(|lists| lists.iter().map(|list| self.list_of(list).into()).collect());
        Case { leaf, sent, roots, lists, now: NOW }
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

/// How many intermediates, which keys, whether there are lists, and what is done.
type Recipe = (usize, [u8; 5], bool, Vec<Twist>);

fn twists(of: &'static [What]) -> impl Strategy<Value = Twist> {
    (proptest::sample::select(of), any::<u8>(), any::<u8>()).prop_map(|(what, at, how)| Twist {
        what,
        at,
        how,
    })
}

fn recipes(twists: impl Strategy<Value = Vec<Twist>>) -> impl Strategy<Value = Recipe> {
    (0usize..4, any::<[u8; 5]>(), proptest::bool::weighted(0.2), twists)
}

fn built((intermediates, keys, lists, twists): &Recipe) -> Case {
    let mut world = World::honest(*intermediates, keys);
    if *lists {
        world.twist(Twist { what: What::Lists, at: 0, how: 0 });
    }
    for &twist in twists {
        world.twist(twist);
    }
    world.case()
}

/// Why a chain may be refused here that OpenSSL accepts, as the page on differences says: no provider has SHA-1 or every
/// curve, and none is to have; and bytes that are no DER are not passed over.
fn known_reason(told: &str, twists: &[Twist], case: &Case) -> Option<&'static str> {
    let kinds = ["of a kind or length that is not taken", "of a kind that is not taken"];
    let is_damaged = twists.iter().any(|twist| matches!(twist.what, What::OtherByte));
    let is_malformed = |der: &CertificateDer<'_>| {
        Certificate::read(der).map_or(true, |certificate| certificate.extensions.malformed)
    };
    if kinds.iter().any(|known| told.contains(known)) {
        Some("a key or a signature of a kind that is not taken")
    } else if is_damaged
        && [&case.leaf].into_iter().chain(&case.sent).chain(&case.roots).any(is_malformed)
    {
        Some("malformed")
    } else {
        None
    }
}

#[test]
fn random_chains() {
    agree(recipes(proptest::collection::vec(twists(&ALL), 0..6)));
}

/// Chains that say much, and in which a byte is another one: what can be read, and what it then means.
#[test]
fn random_chains_with_damage() {
    const RICH: [What; 8] = [
        What::AlternativeNames,
        What::Constraints,
        What::DistributionPoints,
        What::Policies,
        What::ExtendedKeyUsage,
        What::NetscapeType,
        What::AuthorityKey,
        What::OwnStyle,
    ];
    let twists = (
        proptest::collection::vec(twists(&RICH), 0..3),
        proptest::collection::vec(twists(&[What::OtherByte]), 1..3),
    );
    agree(recipes(twists.prop_map(|(rich, damage)| [rich, damage].concat())));
}

/// Judges many chains on both sides.
fn agree(recipes: impl Strategy<Value = Recipe>) {
    let cases = match std::env::var_os("PROPTEST_CASES") {
        Some(_) => Config::default().cases,
        None => 500,
    };
    let seed = match Config::default().rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0),
    };
    println!("{cases} chains; PROPTEST_RNG_SEED={seed} brings them back");
    let tally: RefCell<BTreeMap<String, u32>> = RefCell::default();
    let config = Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_global_rejects: cases,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&recipes, |recipe| {
        let case = built(&recipe);
        // With a key that is none (a point beside the curve) nobody makes a handshake, and so nobody is asked.
        let leaf = openssl::x509::X509::from_der(&case.leaf);
        prop_assume!(leaf.is_ok_and(|leaf| leaf.public_key().is_ok()));
        let key = match (case.ours(), case.openssl()) {
            (Ok(()), Ok(())) => "both accept".to_owned(),
            (Err(_), Err(_)) => "both refuse".to_owned(),
            (ours, theirs) => {
                let fault = format!("we say {ours:?}, OpenSSL {theirs:?}");
                let known = ours.err().filter(|_| theirs.is_ok());
                let reason =
                    known.and_then(|error| known_reason(&error.to_string(), &recipe.3, &case));
                format!("only OpenSSL accepts: {}", reason.ok_or(TestCaseError::fail(fault))?)
            }
        };
        *tally.borrow_mut().entry(key).or_default() += 1;
        Ok(())
    });
    for (what, count) in tally.borrow().iter() {
        println!("{count:>8} {what}");
    }
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(reason, recipe)) => panic!("{reason}\nseed {seed}: {recipe:?}"),
        Err(error) => panic!("{error}"),
    }
    let accepted = tally.borrow().get("both accept").copied().unwrap_or(0);
    assert!(accepted > cases / 20, "chains that nobody accepts test nothing: {accepted}");
}
