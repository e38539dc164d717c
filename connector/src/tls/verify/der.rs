//! DER (X.690, section 10), read strictly: one value after the other, every byte accounted for.
//!
//! Certificates are judged by what is in them, so nothing may be in them that was not read. x509-parser passes over what
//! follows the last field it knows, and over fields that it cannot read.

/// The bytes are not what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the DER that was wanted")]
pub(in crate::tls) struct Malformed;

pub(super) type Result<T> = std::result::Result<T, Malformed>;

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
const NULL: u8 = 0x05;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
const ENUMERATED: u8 = 0x0a;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// `[number]` around a primitive value.
pub(super) const fn context(number: u8) -> u8 {
    0x80 | number
}

/// `[number]` around a constructed one.
pub(super) const fn constructed(number: u8) -> u8 {
    0xa0 | number
}

/// One value: its tag, its contents, and all its bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value<'a> {
    pub(super) tag: u8,
    pub(super) contents: &'a [u8],
    pub(super) whole: &'a [u8],
}

/// Reads values off the front of some bytes.
#[derive(Debug, Clone)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next value, whatever it is. Its length is the shortest form and below 2³²; tags above 30 are in no
    /// certificate.
    pub(super) fn value(&mut self) -> Result<Value<'a>> {
        let (&tag, after_tag) = self.0.split_first().ok_or(Malformed)?;
        let (&first, mut rest) = after_tag.split_first().ok_or(Malformed)?;
        if tag & 0x1f == 0x1f {
            return Err(Malformed);
        }
        let length = match first {
            0..=0x7f => usize::from(first),
            0x81..=0x84 => {
                let (digits, after) =
                    rest.split_at_checked(usize::from(first & 0x7f)).ok_or(Malformed)?;
                rest = after;
                let length = digits.iter().fold(0u64, |sum, &digit| sum << 8 | u64::from(digit));
                if digits[0] == 0 || length < 0x80 {
                    return Err(Malformed);
                }
                usize::try_from(length).map_err(|_| Malformed)?
            }
            _ => return Err(Malformed),
        };
        let (contents, rest) = rest.split_at_checked(length).ok_or(Malformed)?;
        let is_well_formed = match tag {
            0x00 | 0x10 | 0x11 => false,
            SEQUENCE | SET => true,
            // No other universal type is made of parts in DER.
            0x20..=0x3f => false,
            BOOLEAN => contents.len() == 1,
            INTEGER | ENUMERATED => integer(contents).is_ok(),
            BIT_STRING => flags(contents).is_ok(),
            NULL => contents.is_empty(),
            OBJECT_IDENTIFIER => is_object_identifier(contents),
            _ => true,
        };
        if !is_well_formed {
            return Err(Malformed);
        }
        let whole = &self.0[..self.0.len() - rest.len()];
        self.0 = rest;
        Ok(Value { tag, contents, whole })
    }

    /// The next value, which has this tag.
    pub(super) fn expect(&mut self, tag: u8) -> Result<Value<'a>> {
        self.value().and_then(|value| if value.tag == tag { Ok(value) } else { Err(Malformed) })
    }

    /// The next value, if it has this tag.
    pub(super) fn optional(&mut self, tag: u8) -> Result<Option<Value<'a>>> {
        match self.0.first() {
            Some(&next) if next == tag => self.value().map(Some),
            _ => Ok(None),
        }
    }

    /// Nothing may be left.
    pub(super) fn finish(self) -> Result<()> {
        if self.is_empty() { Ok(()) } else { Err(Malformed) }
    }
}

/// The one value that `bytes` are, which has this tag: its contents.
pub(super) fn only(bytes: &[u8], tag: u8) -> Result<&[u8]> {
    let mut reader = Reader::new(bytes);
    let value = reader.expect(tag)?;
    reader.finish().map(|()| value.contents)
}

/// The value that `bytes` begin with, which has this tag: its contents. OpenSSL reads the values of extensions so, and
/// what stands behind them is not looked at.
pub(super) fn first(bytes: &[u8], tag: u8) -> Result<&[u8]> {
    Reader::new(bytes).expect(tag).map(|value| value.contents)
}

/// Every value in `contents`, each read by `read`.
pub(super) fn each<'a, T>(
    contents: &'a [u8],
    read: impl Fn(Value<'a>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut reader = Reader::new(contents);
    let mut found = Vec::new();
    while !reader.is_empty() {
        found.push(read(reader.value()?)?);
    }
    Ok(found)
}

/// Whether these are whole numbers of seven bits a byte, each without leading zeros.
pub(super) fn is_object_identifier(contents: &[u8]) -> bool {
    let mut begins = true;
    for &byte in contents {
        if begins && byte == 0x80 {
            return false;
        }
        begins = byte & 0x80 == 0;
    }
    begins && !contents.is_empty()
}

/// A number's contents in shortest form, with the sign in its first bit.
pub(super) fn integer(contents: &[u8]) -> Result<&[u8]> {
    let redundant = match contents {
        [] => return Err(Malformed),
        [0x00, next, ..] => next & 0x80 == 0,
        [0xff, next, ..] => next & 0x80 != 0,
        _ => false,
    };
    if redundant { Err(Malformed) } else { Ok(contents) }
}

/// A serial number, which some authorities have made negative, and which may be padded.
pub(super) fn serial(contents: &[u8]) -> Result<Vec<u8>> {
    integer(contents).map(<[u8]>::to_vec)
}

/// A number that may not be negative; one beyond 64 bits counts as the largest of them.
pub(super) fn unsigned(contents: &[u8]) -> Result<u64> {
    let digits = integer(contents)?;
    if digits[0] & 0x80 != 0 {
        return Err(Malformed);
    }
    let digits = digits.strip_prefix(&[0]).unwrap_or(digits);
    Ok(match digits.len() {
        0..=8 => digits.iter().fold(0, |sum, &digit| sum << 8 | u64::from(digit)),
        _ => u64::MAX,
    })
}

/// As for OpenSSL, anything but zero is true; in DER only 0xff is, and some certificates do not know that.
pub(super) fn boolean(contents: &[u8]) -> Result<bool> {
    match contents {
        [byte] => Ok(*byte != 0),
        _ => Err(Malformed),
    }
}

/// A bit string of whole bytes, as keys and signatures are.
pub(super) fn bytes(contents: &[u8]) -> Result<&[u8]> {
    contents.strip_prefix(&[0]).ok_or(Malformed)
}

/// The first 16 of a bit string's named bits, the first one highest.
pub(super) fn flags(contents: &[u8]) -> Result<u16> {
    let (&unused, bits) = contents.split_first().ok_or(Malformed)?;
    if unused > 7 || (bits.is_empty() && unused > 0) {
        return Err(Malformed);
    }
    let mut pair = [0; 2];
    for (index, byte) in bits.iter().enumerate().take(2) {
        let mask = if index + 1 == bits.len() { 0xff << unused } else { 0xff };
        pair[index] = byte & mask;
    }
    Ok(u16::from_be_bytes(pair))
}

/// A UTCTime or GeneralizedTime in the one form that RFC 5280 (section 4.1.2.5) allows, in seconds since 1970.
pub(super) fn time(value: Value<'_>) -> Result<i64> {
    let digits = value.contents.strip_suffix(b"Z").ok_or(Malformed)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(Malformed);
    }
    let number = |digits: &[u8]| digits.iter().fold(0, |sum, d| sum * 10 + i64::from(d - b'0'));
    let (year, rest) = match (value.tag, digits.len()) {
        (UTC_TIME, 12) => {
            let short = number(&digits[..2]);
            (if short < 50 { 2000 + short } else { 1900 + short }, &digits[2..])
        }
        (GENERALIZED_TIME, 14) => (number(&digits[..4]), &digits[4..]),
        _ => return Err(Malformed),
    };
    let field = |index: usize| number(&rest[2 * index..2 * index + 2]);
    let (month, day, hour, minute, second) = (field(0), field(1), field(2), field(3), field(4));
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => return Err(Malformed),
    };
    if !(1..=last).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return Err(Malformed);
    }
    // Years that begin in March end in the leap day: the days before a month are then a formula.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * month + 2) / 5
        + day
        - 1
        - 719_468;
    Ok(((days * 24 + hour) * 60 + minute) * 60 + second)
}

/// Calls `read` with the kind of every extension in an Extensions' contents (RFC 5280, section 4.1), whether it is
/// critical, and its value.
pub(super) fn for_each_extension(
    contents: &[u8],
    mut read: impl FnMut(&[u8], bool, &[u8]) -> Result<()>,
) -> Result<()> {
    let mut extensions = Reader::new(contents);
    while !extensions.is_empty() {
        let mut extension = Reader::new(extensions.expect(SEQUENCE)?.contents);
        let kind = extension.expect(OBJECT_IDENTIFIER)?.contents;
        let critical = match extension.optional(BOOLEAN)? {
            Some(critical) => boolean(critical.contents)?,
            None => false,
        };
        let value = extension.expect(OCTET_STRING)?.contents;
        extension.finish()?;
        read(kind, critical, value)?;
    }
    Ok(())
}
