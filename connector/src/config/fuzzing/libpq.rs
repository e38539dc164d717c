//! libpq's readers of connection strings (fe-connect.c of PostgreSQL 18), statement by statement: the second reading.

/// A keyword and its value.
pub(super) type Pair = (Vec<u8>, Vec<u8>);

/// C's string: behind its end there is a NUL.
#[derive(Clone, Copy)]
struct Text<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Text<'a> {
    fn new(bytes: &'a [u8]) -> Text<'a> {
        Text { bytes, at: 0 }
    }

    fn byte(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    /// Goes on to the end or one of these, and says what it passed.
    fn until(&mut self, ends: &[u8]) -> &'a [u8] {
        let start = self.at;
        while self.byte() != 0 && !ends.contains(&self.byte()) {
            self.at += 1;
        }
        &self.bytes[start..self.at]
    }

    fn skip_blanks(&mut self) {
        while is_blank(self.byte()) {
            self.at += 1;
        }
    }
}

/// `isspace` in the C locale.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// `conninfo_parse`.
pub(super) fn pairs(text: &[u8]) -> Option<Vec<Pair>> {
    let mut text = Text::new(text);
    let mut pairs = Vec::new();
    loop {
        text.skip_blanks();
        if text.byte() == 0 {
            return Some(pairs);
        }
        let keyword = text.until(b"= \t\n\x0b\x0c\r").to_vec();
        text.skip_blanks();
        if text.byte() != b'=' {
            return None;
        }
        text.at += 1;
        text.skip_blanks();
        let mut value = Vec::new();
        if text.byte() == b'\'' {
            text.at += 1;
            loop {
                match text.byte() {
                    0 => return None,
                    b'\'' => break text.at += 1,
                    b'\\' => text.at += 1,
                    byte => {
                        value.push(byte);
                        text.at += 1;
                        continue;
                    }
                }
                // Behind a backslash.
                if text.byte() != 0 {
                    value.push(text.byte());
                    text.at += 1;
                }
            }
        } else {
            while text.byte() != 0 && !is_blank(text.byte()) {
                if text.byte() == b'\\' {
                    text.at += 1;
                }
                if text.byte() != 0 {
                    value.push(text.byte());
                    text.at += 1;
                }
            }
        }
        pairs.push((keyword, value));
    }
}

/// `conninfo_uri_parse_options`.
pub(super) fn url(text: &[u8]) -> Option<Vec<Pair>> {
    let rest = text.strip_prefix(b"postgresql://").or_else(|| text.strip_prefix(b"postgres://"))?;
    let mut pairs = Vec::new();
    let mut text = Text::new(rest);
    let credentials = text.until(b"@/");
    if text.byte() == b'@' {
        text.at += 1;
        let mut parts = Text::new(credentials);
        store(&mut pairs, b"user", parts.until(b":"))?;
        store(&mut pairs, b"password", credentials.get(parts.at + 1..).unwrap_or_default())?;
    } else {
        text.at = 0;
    }

    let (mut hosts, mut ports) = (Vec::new(), Vec::new());
    loop {
        if text.byte() == b'[' {
            text.at += 1;
            let host = text.until(b"]");
            if text.byte() == 0 || host.is_empty() {
                return None;
            }
            text.at += 1;
            if !matches!(text.byte(), 0 | b':' | b'/' | b'?' | b',') {
                return None;
            }
            hosts.extend(host);
        } else {
            hosts.extend(text.until(b":/?,"));
        }
        if text.byte() == b':' {
            text.at += 1;
            ports.extend(text.until(b"/?,"));
        }
        if text.byte() != b',' {
            break;
        }
        text.at += 1;
        hosts.push(b',');
        ports.push(b',');
    }
    // To libpq, a list of nothing is a list of defaults; here it is left out.
    for (keyword, list) in [(&b"host"[..], hosts), (b"port", ports)] {
        if list.iter().any(|&byte| byte != b',') {
            store(&mut pairs, keyword, &list)?;
        }
    }

    if text.byte() == b'/' {
        text.at += 1;
        store(&mut pairs, b"dbname", text.until(b"?"))?;
    }
    if text.byte() == b'?' {
        text.at += 1;
        parameters(&mut text, &mut pairs)?;
    }
    Some(pairs)
}

/// `conninfo_uri_parse_params`.
fn parameters(text: &mut Text<'_>, pairs: &mut Vec<Pair>) -> Option<()> {
    while text.byte() != 0 {
        let keyword = text.until(b"=&");
        if text.byte() != b'=' {
            return None;
        }
        text.at += 1;
        let value = text.until(b"=&");
        if text.byte() == b'=' {
            return None;
        }
        if text.byte() == b'&' {
            text.at += 1;
        }
        pairs.push(match (decode(keyword)?, decode(value)?) {
            (keyword, value) if keyword == b"ssl" && value == b"true" => {
                (b"sslmode".to_vec(), b"require".to_vec())
            }
            pair => pair,
        });
    }
    Some(())
}

/// Stores a part of the authority or the path, if there is one.
fn store(pairs: &mut Vec<Pair>, keyword: &[u8], value: &[u8]) -> Option<()> {
    if !value.is_empty() {
        pairs.push((keyword.to_vec(), decode(value)?));
    }
    Some(())
}

/// `conninfo_uri_decode`.
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut text = Text::new(text);
    let mut decoded = Vec::new();
    text.skip_blanks();
    while text.byte() != 0 && !is_blank(text.byte()) {
        let mut byte = text.byte();
        text.at += 1;
        if byte == b'%' {
            let digits = std::str::from_utf8(text.bytes.get(text.at..text.at + 2)?).ok()?;
            // from_str_radix takes a sign.
            digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(())?;
            byte = u8::from_str_radix(digits, 16).ok().filter(|&byte| byte != 0)?;
            text.at += 2;
        }
        decoded.push(byte);
    }
    text.skip_blanks();
    (text.byte() == 0).then_some(decoded)
}
