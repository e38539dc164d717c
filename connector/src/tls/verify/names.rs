//! Names in certificates, in the form in which OpenSSL compares them.

use super::der::{
    self, BIT_STRING, Malformed, OBJECT_IDENTIFIER, Reader, Result, SEQUENCE, SET, Value,
    constructed,
};

/// id-at-commonName, 2.5.4.3.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// PKCS #9's emailAddress, 1.2.840.113549.1.9.1.
const EMAIL_ADDRESS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01];

const UTF8_STRING: u8 = 0x0c;
const NUMERIC_STRING: u8 = 0x12;
const PRINTABLE_STRING: u8 = 0x13;
const T61_STRING: u8 = 0x14;
const IA5_STRING: u8 = 0x16;
const UNIVERSAL_STRING: u8 = 0x1c;
const BMP_STRING: u8 = 0x1e;

/// A distinguished name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::tls) struct Name {
    /// Every RDN in OpenSSL's canonical form (`x509_name_canon`): text as UTF-8, ASCII in lower case, blanks at the ends
    /// gone and between words one. Two names are the same if these bytes are; one is below another if they begin with
    /// the other's.
    pub(super) canonical: Vec<u8>,
    /// The common names, as UTF-8.
    pub(super) common_names: Vec<Vec<u8>>,
    /// The e-mail addresses; none for one that is no IA5String.
    pub(super) email_addresses: Vec<Option<Vec<u8>>>,
    /// How many attributes there are.
    pub(super) attributes: usize,
}

impl Name {
    /// Reads the contents of a Name (RFC 5280, section 4.1.2.4).
    pub(super) fn read(contents: &[u8]) -> Result<Name> {
        let mut name = Name::default();
        let mut rdns = Reader::new(contents);
        while !rdns.is_empty() {
            name.push(rdns.expect(SET)?.contents)?;
        }
        Ok(name)
    }

    /// Appends what an RDN holds.
    pub(super) fn push(&mut self, rdn: &[u8]) -> Result<()> {
        let mut attributes = Reader::new(rdn);
        let mut set = Vec::new();
        while !attributes.is_empty() {
            set.push(self.attribute(attributes.expect(SEQUENCE)?.contents)?);
        }
        if set.is_empty() {
            return Err(Malformed);
        }
        self.attributes += set.len();
        // DER's order of a SET OF.
        set.sort();
        push(&mut self.canonical, SET, &set.concat());
        Ok(())
    }

    /// Notes one attribute, and says what its canonical form is.
    fn attribute(&mut self, contents: &[u8]) -> Result<Vec<u8>> {
        let mut reader = Reader::new(contents);
        let kind = reader.expect(OBJECT_IDENTIFIER)?;
        let value = reader.value()?;
        reader.finish()?;
        let text = utf8(value)?;
        if kind.contents == COMMON_NAME {
            self.common_names.push(text.clone().unwrap_or_default());
        }
        if kind.contents == EMAIL_ADDRESS {
            self.email_addresses.push((value.tag == IA5_STRING).then(|| value.contents.to_vec()));
        }
        let mut pair = kind.whole.to_vec();
        match text {
            Some(text) => push(&mut pair, UTF8_STRING, &fold(&text)),
            None => pair.extend(value.whole),
        }
        let mut whole = Vec::new();
        push(&mut whole, SEQUENCE, &pair);
        Ok(whole)
    }

    /// Whether this name is `base`, or is below it (RFC 5280, section 4.2.1.10).
    pub(super) fn is_within(&self, base: &Name) -> bool {
        self.canonical.starts_with(&base.canonical)
    }
}

/// An attribute's text as UTF-8; none where the type is no text to OpenSSL.
fn utf8(value: Value<'_>) -> Result<Option<Vec<u8>>> {
    let characters = |width: usize| -> Result<Vec<u8>> {
        if !value.contents.len().is_multiple_of(width) {
            return Err(Malformed);
        }
        let text: Option<String> = value
            .contents
            .chunks(width)
            .map(|bytes| bytes.iter().fold(0u32, |sum, &byte| sum << 8 | u32::from(byte)))
            .map(char::from_u32)
            .collect();
        text.map(String::into_bytes).ok_or(Malformed)
    };
    match value.tag {
        UTF8_STRING => match std::str::from_utf8(value.contents) {
            Ok(text) => Ok(Some(text.as_bytes().to_vec())),
            Err(_) => Err(Malformed),
        },
        // Of T.61, OpenSSL knows Latin-1.
        PRINTABLE_STRING | T61_STRING | IA5_STRING => characters(1).map(Some),
        BMP_STRING => characters(2).map(Some),
        UNIVERSAL_STRING => characters(4).map(Some),
        NUMERIC_STRING | BIT_STRING => Ok(None),
        // ObjectDescriptor to EMBEDDED PDV, RELATIVE-OID, TIME, the reserved one, and CHARACTER STRING: no text to
        // OpenSSL, but no fault either.
        0x07..=0x0b | 0x0d..=0x0f | 0x1d => Ok(None),
        _ => Err(Malformed),
    }
}

/// Text without case and superfluous blanks (`asn1_string_canon`).
fn fold(text: &[u8]) -> Vec<u8> {
    // As C's isspace, which knows the vertical tab.
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let words: Vec<Vec<u8>> = text
        .split(is_blank)
        .filter(|word| !word.is_empty())
        .map(<[u8]>::to_ascii_lowercase)
        .collect();
    words.join(&b' ')
}

/// Appends a value with this tag and these contents.
fn push(out: &mut Vec<u8>, tag: u8, contents: &[u8]) {
    out.push(tag);
    match contents.len() {
        short @ 0..=0x7f => out.push(short as u8),
        long => {
            let digits = long.to_be_bytes();
            let digits = &digits[digits.iter().take_while(|&&digit| digit == 0).count()..];
            out.push(0x80 | digits.len() as u8);
            out.extend(digits);
        }
    }
    out.extend(contents);
}

/// One of the kinds of name of RFC 5280, section 4.2.1.6.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum GeneralName {
    /// otherName: its type and its value.
    Other {
        kind: Vec<u8>,
        value: Vec<u8>,
    },
    Email(Vec<u8>),
    Dns(Vec<u8>),
    Directory(Name),
    Uri(Vec<u8>),
    /// An address; in a constraint, with its mask.
    Address(Vec<u8>),
    /// x400Address, ediPartyName or registeredID: its tag and its contents.
    Rare(u8, Vec<u8>),
}

impl GeneralName {
    pub(super) fn read(value: Value<'_>) -> Result<GeneralName> {
        let contents = value.contents.to_vec();
        Ok(match value.tag {
            0xa0 => {
                let mut reader = Reader::new(value.contents);
                let kind = reader.expect(OBJECT_IDENTIFIER)?.contents.to_vec();
                let value = single(reader.expect(constructed(0))?.contents)?.whole.to_vec();
                reader.finish()?;
                GeneralName::Other { kind, value }
            }
            0x81 => GeneralName::Email(contents),
            0x82 => GeneralName::Dns(contents),
            0xa4 => GeneralName::Directory(Name::read(der::only(value.contents, SEQUENCE)?)?),
            0x86 => GeneralName::Uri(contents),
            0x87 => GeneralName::Address(contents),
            0xa3 => GeneralName::Rare(value.tag, contents),
            0xa5 => {
                let mut parties = Reader::new(value.contents);
                parties.optional(constructed(0))?.map(directory_string).transpose()?;
                directory_string(parties.expect(constructed(1))?)?;
                parties.finish()?;
                GeneralName::Rare(value.tag, contents)
            }
            0x88 if der::is_object_identifier(value.contents) => {
                GeneralName::Rare(value.tag, contents)
            }
            _ => return Err(Malformed),
        })
    }

    /// Reads a GeneralNames' contents.
    pub(super) fn read_all(contents: &[u8]) -> Result<Vec<GeneralName>> {
        der::each(contents, GeneralName::read)
    }
}

/// The one value that these bytes are.
fn single(bytes: &[u8]) -> Result<Value<'_>> {
    let mut reader = Reader::new(bytes);
    let value = reader.value()?;
    reader.finish().map(|()| value)
}

/// Within `[number]`, text of one of the types that RFC 5280, section 4.1.2.4, has for names.
fn directory_string(value: Value<'_>) -> Result<()> {
    match single(value.contents)?.tag {
        UTF8_STRING | PRINTABLE_STRING | T61_STRING | UNIVERSAL_STRING | BMP_STRING => Ok(()),
        _ => Err(Malformed),
    }
}
