//! Recognising a text in another one that may quote it in capitals, in pieces, or byte by byte.

use super::spelling::{base64, contains, halves, hex};

/// A text, and what stands in it however it is dressed.
#[derive(Debug)]
pub(super) struct Quotable {
    /// Letters and digits alone, in lower case, escapes taken away.
    bare: String,
    /// Without white space: base64 may be broken into lines.
    unbroken: Vec<u8>,
    /// The numbers below 256 in it, in their order, as a list of bytes is printed.
    bytes: Vec<u8>,
}

impl Quotable {
    pub(super) fn new(text: &str) -> Self {
        let numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
        Self {
            bare: bare(&unescaped(text)),
            unbroken: text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect(),
            bytes: numbers.filter_map(|digits| digits.parse().ok()).collect(),
        }
    }

    /// Whether it quotes these words.
    pub(super) fn quotes(&self, words: &str) -> bool {
        self.quotes_bytes(words.as_bytes())
    }

    /// Whether it quotes either half of a text that nobody else would write.
    pub(super) fn quotes_half(&self, canary: &str) -> bool {
        let (one, other) = halves(canary);
        self.quotes_bytes(one) || self.quotes_bytes(other)
    }

    fn quotes_bytes(&self, words: &[u8]) -> bool {
        let wanted = bare(&String::from_utf8_lossy(words));
        let hex = hex(words);
        let printed = String::from_utf8_lossy(&self.bytes);
        !wanted.is_empty()
            && (self.bare.contains(&wanted)
                || contains(self.bare.as_bytes(), &hex)
                || bare(&printed).contains(&wanted)
                || base64(words).iter().any(|needle| contains(&self.unbroken, needle)))
    }
}

fn bare(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Without terminal sequences (`ESC [ … letter`), escapes (`\n`) and the `0x` of numbers; `\x41`,
/// `\u0041`, `\101`, `%41`, `&#x41;` and `&#65;` are the characters that they stand for.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\u{1b}' => {
                let sequence = rest.strip_prefix('[').unwrap_or(rest);
                let end = sequence.find(|c: char| c.is_ascii_alphabetic());
                rest = end.map_or("", |end| &sequence[end + 1..]);
            }
            '\\' => match rest.chars().next() {
                Some('x') => rest = character(&rest[1..], 2, 16, &mut out).unwrap_or(&rest[1..]),
                Some('u') => {
                    let digits = rest[1..].trim_start_matches('{');
                    rest = character(digits, 4, 16, &mut out)
                        .or_else(|| character(digits, 2, 16, &mut out))
                        .unwrap_or(&rest[1..]);
                }
                Some('0'..='7') => {
                    rest = character(rest, 3, 8, &mut out).unwrap_or(&rest[1..]);
                }
                Some(escaped) => rest = &rest[escaped.len_utf8()..],
                None => {}
            },
            '%' => match character(rest, 2, 16, &mut out) {
                Some(behind) => rest = behind,
                None => out.push(c),
            },
            '&' => match entity(rest, &mut out) {
                Some(behind) => rest = behind,
                None => out.push(c),
            },
            '0' => match rest.strip_prefix(['x', 'X']) {
                Some(number) if number.starts_with(|c: char| c.is_ascii_hexdigit()) => {
                    rest = number;
                }
                _ => out.push(c),
            },
            c => out.push(c),
        }
    }
    out
}

/// Appends the character that `#x41;` or `#65;` names, and returns what follows it.
fn entity<'a>(text: &'a str, out: &mut String) -> Option<&'a str> {
    let (number, rest) = text.strip_prefix('#')?.split_once(';')?;
    let (digits, radix) = match number.strip_prefix(['x', 'X']) {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    character(digits, digits.len(), radix, out)?;
    Some(rest)
}

/// Appends the character that so many digits name, and returns what follows them.
fn character<'a>(text: &'a str, digits: usize, radix: u32, out: &mut String) -> Option<&'a str> {
    let (number, rest) = text.split_at_checked(digits)?;
    out.push(char::from_u32(u32::from_str_radix(number, radix).ok()?)?);
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quotation_is_found_however_it_is_dressed() {
        for text in [
            "server said: spoofed0123abcd (53300)",
            "SPOOFED0123ABCD",
            "spoofed\u{1b}[31m0123\u{1b}[0mabcd",
            "spoofed\\n01\\t23abcd",
            "spoofed-0123-\nabcd",
            "\\x73poofed0123\\u0061bcd",
            "spoofed%30123abcd",
            "[69, 0, 115, 112, 111, 111, 102, 101, 100, 48, 49, 50, 51, 97, 98, 99, 100, 0]",
            "b'73706f6f6665643031323361626364'",
            "73 70 6f 6f 66 65 64 30 31 32 33 61 62 63 64",
            "0x73, 0x70, 0x6f, 0x6f, 0x66, 0x65, 0x64, 0x30, 0x31, 0x32, 0x33, 0x61, 0x62, 0x63, 0x64",
            "\\163poofed0123abcd",
            "&#x73;poofed&#48;123abcd",
            "RVNGQVRBTABNc3Bvb2ZlZDAxMjNhYmNkAA==",
            "RVNGQVRBTABNc3Bv\nb2ZlZDAxMjNhYmNkAA==",
        ] {
            assert!(Quotable::new(text).quotes("spoofed0123abcd"), "{text}");
        }
    }

    #[test]
    fn half_a_canary_tells() {
        for text in
            ["reply: E…Mspoofed0123ab", "…abcdef456789: sorry, too many", "c3Bvb2ZlZDAxMjNh"]
        {
            assert!(Quotable::new(text).quotes_half("spoofed0123abcdef456789"), "{text}");
        }
        assert!(!Quotable::new("spoofed").quotes_half("spoofed0123abcdef456789"));
    }

    #[test]
    fn other_words_are_none() {
        for text in [
            "",
            "server sent an error response during SSL exchange",
            "spoofed",
            "\\",
            "\\x",
            "%",
            "\\ué",
            "\\1é",
            "&#xé;",
            "&#;",
            "0x",
        ] {
            assert!(!Quotable::new(text).quotes("spoofed0123abcd"), "{text}");
        }
    }
}
