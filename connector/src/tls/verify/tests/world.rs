//! A chain to be, with all that surrounds it: honest at first, and then whatever the twists make of it.

use super::forge::{
    Digest, Draft, Extension, Flaw, LAST_GOOD_KEY, ListDraft, Style, name, sequence, tlv,
};
use super::oracle::Case;
use super::*;

/// 2026-01-01, a second of no importance.
pub(super) const NOW: i64 = 1_767_225_600;
pub(super) const DAY: i64 = 86_400;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Sent,
    Trusted,
    Both,
    Nowhere,
    SentTwice,
}

/// A certificate of a world: what is not said of it follows from its issuer.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) subject: String,
    pub(super) style: Style,
    pub(super) issuer_style: Style,
    /// Its issuer; itself for a root.
    pub(super) parent: usize,
    pub(super) key: usize,
    /// Another key than its issuer's.
    pub(super) signer: Option<usize>,
    pub(super) serial: Vec<u8>,
    pub(super) version: u8,
    pub(super) validity: (i64, i64),
    pub(super) digest: Digest,
    pub(super) flaw: Option<Flaw>,
    pub(super) basic_constraints: Option<Vec<u8>>,
    pub(super) key_usage: Option<Vec<u8>>,
    pub(super) extended_key_usage: Option<Vec<u8>>,
    pub(super) subject_key: Option<Vec<u8>>,
    pub(super) authority_key: u8,
    pub(super) critical_identifiers: (bool, bool),
    pub(super) alternative_names: Option<Vec<u8>>,
    pub(super) others: Vec<Extension>,
    pub(super) twice: Option<u8>,
    pub(super) malformed: Option<u8>,
    pub(super) place: Place,
}

/// The authority whose lists these are, and what is special about the list.
#[derive(Debug, Clone)]
pub(super) struct ListNode {
    pub(super) of: usize,
    pub(super) revoked: Vec<usize>,
    pub(super) updates: (i64, i64),
    pub(super) signer: Option<usize>,
    pub(super) identifier: u8,
    pub(super) scope: Option<Vec<u8>>,
}

#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) nodes: Vec<Node>,
    pub(super) lists: Option<Vec<ListNode>>,
    pub(super) reversed: bool,
    pub(super) rotated: usize,
}

pub(super) const KEY_CERT_SIGN: u8 = 0x04;
pub(super) const CRL_SIGN: u8 = 0x02;

pub(super) fn bits(byte: u8) -> Vec<u8> {
    tlv(3, &[byte.trailing_zeros().min(7) as u8, byte])
}

pub(super) fn identifier(key: usize) -> Vec<u8> {
    vec![0x40 + key as u8; 8]
}

/// A GeneralName.
pub(super) fn general(number: u8, contents: &[u8]) -> Vec<u8> {
    tlv(if number == 4 || number == 0 { 0xa0 | number } else { 0x80 | number }, contents)
}

impl Node {
    pub(super) fn new(subject: &str, parent: usize, key: usize, is_authority: bool) -> Node {
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
    pub(super) fn honest(intermediates: usize, keys: &[u8]) -> World {
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
    pub(super) fn add(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// An authority, if there is one.
    pub(super) fn authority(&self, at: u8) -> usize {
        1 + usize::from(at) % (self.nodes.len() - 1)
    }

    pub(super) fn authority_key(&self, kind: u8, issuer: usize) -> Option<Vec<u8>> {
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

    pub(super) fn certificate(&self, index: usize) -> Vec<u8> {
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

    pub(super) fn list_of(&self, list: &ListNode) -> Vec<u8> {
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

    pub(super) fn case(&self) -> Case {
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

/// Names of every kind that is held against constraints.
pub(super) fn some_name(how: u8) -> Vec<u8> {
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
