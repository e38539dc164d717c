//! Recognising a text in another one that may quote it in capitals, in pieces, or byte by byte.

/// A text, and what stands in it however it is dressed.
#[derive(Debug)]
pub(super) struct Quotable {
    /// Letters and digits alone, in lower case, escapes taken away.
    bare: String,
    /// The numbers below 256 in it, in their order, as a list of bytes is printed.
    bytes: Vec<u8>,
}

impl Quotable {
    pub(super) fn new(text: &str) -> Self {
        let numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
        Self {
            bare: bare(&unescaped(text)),
            bytes: numbers.filter_map(|digits| digits.parse().ok()).collect(),
        }
    }

    /// Whether it quotes these words.
    pub(super) fn quotes(&self, words: &str) -> bool {
        let wanted = bare(words);
        let hex: String = words.bytes().map(|byte| format!("{byte:02x}")).collect();
        let printed = String::from_utf8_lossy(&self.bytes);
        !wanted.is_empty()
            && (self.bare.contains(&wanted)
                || self.bare.contains(&hex)
                || bare(&printed).contains(&wanted))
    }
}

fn bare(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Without terminal sequences (`ESC [ … letter`) and escapes (`\n`); `\x41`, `\u0041` and `%41` are
/// the characters that they stand for.
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
                Some('x') => rest = character(&rest[1..], 2, &mut out).unwrap_or(&rest[1..]),
                Some('u') => {
                    let digits = rest[1..].trim_start_matches('{');
                    rest = character(digits, 4, &mut out)
                        .or_else(|| character(digits, 2, &mut out))
                        .unwrap_or(&rest[1..]);
                }
                Some(escaped) => rest = &rest[escaped.len_utf8()..],
                None => {}
            },
            '%' => match character(rest, 2, &mut out) {
                Some(behind) => rest = behind,
                None => out.push(c),
            },
            c => out.push(c),
        }
    }
    out
}

/// Appends the character that so many hexadecimal digits name, and returns what follows them.
fn character<'a>(text: &'a str, digits: usize, out: &mut String) -> Option<&'a str> {
    let (number, rest) = text.split_at_checked(digits)?;
    out.push(char::from_u32(u32::from_str_radix(number, 16).ok()?)?);
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
        ] {
            assert!(Quotable::new(text).quotes("spoofed0123abcd"), "{text}");
        }
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
        ] {
            assert!(!Quotable::new(text).quotes("spoofed0123abcd"), "{text}");
        }
    }
}
