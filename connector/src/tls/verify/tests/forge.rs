//! Certificates and lists with anything in them, well-formed or not, signed for real: what rcgen rightly does not make.

use std::sync::LazyLock;

use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::{Padding, Rsa};
use openssl::sign::{RsaPssSaltlen, Signer};
use rustls_pki_types::alg_id;
use time::OffsetDateTime;

/// Keys of every kind: P-256 five times, P-384, Ed25519, RSA of 2,048 bits twice and of 1,024, and secp256k1.
pub(super) static KEYS: LazyLock<Vec<PKey<Private>>> = LazyLock::new(|| {
    let curve = |nid| {
        let group = EcGroup::from_curve_name(nid).expect("group");
        PKey::from_ec_key(EcKey::generate(&group).expect("key")).expect("key")
    };
    let rsa = |bits| PKey::from_rsa(Rsa::generate(bits).expect("key")).expect("key");
    let mut keys: Vec<_> = (0..5).map(|_| curve(Nid::X9_62_PRIME256V1)).collect();
    keys.push(curve(Nid::SECP384R1));
    keys.push(PKey::generate_ed25519().expect("key"));
    keys.extend([2048, 2048, 1024].map(rsa));
    keys.push(curve(Nid::SECP256K1));
    keys
});
/// The last of the keys that every provider has a use for.
pub(super) const LAST_GOOD_KEY: usize = 8;

pub(super) fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match contents.len() {
        short @ 0..=0x7f => out.push(short as u8),
        long @ 0x80..=0xff => out.extend([0x81, long as u8]),
        long => out.extend([0x82, (long >> 8) as u8, long as u8]),
    }
    out.extend(contents);
    out
}

pub(super) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

fn date(seconds: i64) -> Vec<u8> {
    let at = OffsetDateTime::from_unix_timestamp(seconds).expect("a time");
    let rest = format!(
        "{:02}{:02}{:02}{:02}{:02}Z",
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    );
    match at.year() {
        year @ 1950..=2049 => tlv(0x17, format!("{:02}{rest}", year % 100).as_bytes()),
        year => tlv(0x18, format!("{year:04}{rest}").as_bytes()),
    }
}

/// By what a signature is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Digest {
    Sha256,
    Sha384,
    Sha1,
    /// RSASSA-PSS with SHA-256, where the key is RSA.
    Pss,
}

fn algorithm(key: &PKey<Private>, digest: Digest) -> Vec<u8> {
    const SHA_1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05];
    const ECDSA_SHA_1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01];
    use openssl::pkey::Id;
    let contents: &[u8] = match (key.id(), digest) {
        (Id::RSA, Digest::Pss) => &alg_id::RSA_PSS_SHA256,
        (Id::RSA, Digest::Sha256) => &alg_id::RSA_PKCS1_SHA256,
        (Id::RSA, Digest::Sha384) => &alg_id::RSA_PKCS1_SHA384,
        (Id::RSA, Digest::Sha1) => return sequence(&[tlv(6, SHA_1), tlv(5, &[])]),
        (Id::EC, Digest::Sha384) => &alg_id::ECDSA_SHA384,
        (Id::EC, Digest::Sha1) => return sequence(&[tlv(6, ECDSA_SHA_1)]),
        (Id::EC, _) => &alg_id::ECDSA_SHA256,
        _ => &alg_id::ED25519,
    };
    tlv(0x30, contents)
}

fn sign(message: &[u8], key: &PKey<Private>, digest: Digest) -> Vec<u8> {
    if key.id() == openssl::pkey::Id::ED25519 {
        let mut signer = Signer::new_without_digest(key).expect("signer");
        return signer.sign_oneshot_to_vec(message).expect("signature");
    }
    let hash = match digest {
        Digest::Sha384 => MessageDigest::sha384(),
        Digest::Sha1 => MessageDigest::sha1(),
        Digest::Sha256 | Digest::Pss => MessageDigest::sha256(),
    };
    let mut signer = Signer::new(hash, key).expect("signer");
    if digest == Digest::Pss && key.id() == openssl::pkey::Id::RSA {
        signer.set_rsa_padding(Padding::PKCS1_PSS).expect("padding");
        signer.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH).expect("salt");
    }
    signer.sign_oneshot_to_vec(message).expect("signature")
}

/// How one name is written: OpenSSL takes all of these for the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Utf8,
    Printable,
    Latin1,
    Wide,
    Capitals,
    Blanks,
}

pub(super) const STYLES: [Style; 6] =
    [Style::Utf8, Style::Printable, Style::Latin1, Style::Wide, Style::Capitals, Style::Blanks];

/// `O=pgtls chains, CN=…`, as two RDNs, or (where the name ends in `+`) as one; empty for the empty name.
pub(super) fn name(common_name: &str, style: Style) -> Vec<u8> {
    if common_name.is_empty() {
        return sequence(&[]);
    }
    let attribute = |kind: u8, text: &str| {
        let value = match style {
            Style::Utf8 => tlv(0x0c, text.as_bytes()),
            Style::Printable => tlv(0x13, text.as_bytes()),
            Style::Latin1 => tlv(0x14, &text.chars().map(|c| c as u8).collect::<Vec<_>>()),
            Style::Wide => {
                let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
                tlv(0x1e, &units)
            }
            Style::Capitals => tlv(0x0c, text.to_uppercase().as_bytes()),
            Style::Blanks => tlv(0x0c, format!("  {} ", text.replace(' ', " \t ")).as_bytes()),
        };
        sequence(&[tlv(6, &[0x55, 0x04, kind]), value])
    };
    let (organisation, common) = (attribute(10, "pgtls chains"), attribute(3, common_name));
    match common_name.ends_with('+') {
        true => sequence(&[tlv(0x31, &[common, organisation].concat())]),
        false => sequence(&[tlv(0x31, &organisation), tlv(0x31, &common)]),
    }
}

/// An extension: its object identifier's contents, whether it is critical, and its value.
#[derive(Debug, Clone)]
pub(super) struct Extension {
    pub(super) kind: Vec<u8>,
    pub(super) critical: bool,
    pub(super) value: Vec<u8>,
}

fn extensions(extensions: &[Extension]) -> Vec<u8> {
    let each = |extension: &Extension| {
        let mut parts = vec![tlv(6, &extension.kind)];
        if extension.critical {
            parts.push(tlv(1, &[0xff]));
        }
        parts.push(tlv(4, &extension.value));
        sequence(&parts)
    };
    sequence(&extensions.iter().map(each).collect::<Vec<_>>())
}

/// A certificate to be.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    /// 0 for the first, and so on.
    pub(super) version: u8,
    pub(super) serial: Vec<u8>,
    pub(super) issuer: Vec<u8>,
    pub(super) subject: Vec<u8>,
    pub(super) validity: (i64, i64),
    pub(super) key: usize,
    pub(super) signer: usize,
    pub(super) digest: Digest,
    pub(super) extensions: Vec<Extension>,
    pub(super) flaw: Option<Flaw>,
}

/// What is wrong with a certificate as such.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    BrokenSignature,
    /// Within what is signed another algorithm is named than beside the signature.
    TwoAlgorithms,
    /// One byte of what is signed, somewhere, is another one.
    OtherByte {
        at: u16,
        by: u8,
    },
}

impl Draft {
    pub(super) fn signed(&self) -> Vec<u8> {
        let signer = &KEYS[self.signer];
        let outer = algorithm(signer, self.digest);
        let inner = match self.flaw {
            Some(Flaw::TwoAlgorithms) if self.digest == Digest::Sha384 => {
                algorithm(signer, Digest::Sha256)
            }
            Some(Flaw::TwoAlgorithms) => algorithm(signer, Digest::Sha384),
            _ => outer.clone(),
        };
        let mut parts = Vec::new();
        if self.version > 0 {
            parts.push(tlv(0xa0, &tlv(2, &[self.version])));
        }
        parts.extend([
            tlv(2, &self.serial),
            inner,
            self.issuer.clone(),
            sequence(&[date(self.validity.0), date(self.validity.1)]),
            self.subject.clone(),
            KEYS[self.key].public_key_to_der().expect("a key"),
        ]);
        if !self.extensions.is_empty() {
            parts.push(tlv(0xa3, &extensions(&self.extensions)));
        }
        let mut message = sequence(&parts);
        if let Some(Flaw::OtherByte { at, by }) = self.flaw {
            let at = usize::from(at) % message.len();
            message[at] ^= by;
        }
        let mut signature = sign(&message, signer, self.digest);
        if self.flaw == Some(Flaw::BrokenSignature) {
            let last = signature.len() - 1;
            signature[last] ^= 1;
        }
        sequence(&[message, outer, tlv(3, &[vec![0], signature].concat())])
    }
}

/// A revocation list to be.
#[derive(Debug, Clone)]
pub(super) struct ListDraft {
    pub(super) issuer: Vec<u8>,
    pub(super) signer: usize,
    pub(super) digest: Digest,
    pub(super) updates: (i64, i64),
    pub(super) revoked: Vec<Vec<u8>>,
    pub(super) extensions: Vec<Extension>,
}

impl ListDraft {
    pub(super) fn signed(&self) -> Vec<u8> {
        let signer = &KEYS[self.signer];
        let algorithm = algorithm(signer, self.digest);
        let mut parts = vec![
            tlv(2, &[1]),
            algorithm.clone(),
            self.issuer.clone(),
            date(self.updates.0),
            date(self.updates.1),
        ];
        if !self.revoked.is_empty() {
            let entry = |serial: &Vec<u8>| sequence(&[tlv(2, serial), date(self.updates.0)]);
            parts.push(sequence(&self.revoked.iter().map(entry).collect::<Vec<_>>()));
        }
        parts.push(tlv(0xa0, &extensions(&self.extensions)));
        let message = sequence(&parts);
        let signature = sign(&message, signer, self.digest);
        sequence(&[message, algorithm, tlv(3, &[vec![0], signature].concat())])
    }
}
