//! The ClientHello, read from the client's first records: what it offers, whoever handles it then.

use crate::transcript::TlsFacts;

/// No client has reason to send a longer one; whoever does is left to the TLS library.
const MAX_HELLO: usize = 64 * 1024;
/// The same with the headers of its records, in bytes: room for records of a few bytes each.
const MAX_HELLO_IN_RECORDS: usize = 2 * MAX_HELLO;
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;

/// How far the ClientHello has come.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Hello {
    /// More bytes are needed.
    Incomplete,
    /// All of it is there: what it offers, and its size in bytes with its records' headers.
    Complete(TlsFacts, usize),
    /// It is none.
    Other,
}

/// Looks for a ClientHello at the front of a stream that grows; it may span any number of records.
///
/// Records that were read are not read again, however small the pieces in which the rest comes.
#[derive(Debug, Default)]
pub(crate) struct HelloReader {
    /// The bodies of the records that are whole.
    message: Vec<u8>,
    /// Where the next record begins, in bytes.
    at: usize,
}

impl HelloReader {
    /// Looks at all that came so far: what it was given before, and more.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Hello {
        // Whoever makes records of single bytes hides something, or wants to be a burden.
        if bytes.len() > MAX_HELLO_IN_RECORDS {
            return Hello::Other;
        }
        loop {
            let rest = bytes.get(self.at..).unwrap_or_default();
            let Some((header, body)) = rest.split_first_chunk::<5>() else {
                let plausible = rest.first().is_none_or(|&first| first == HANDSHAKE)
                    && rest.get(1).is_none_or(|&major| major == 3);
                return if plausible { Hello::Incomplete } else { Hello::Other };
            };
            let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
            if header[0] != HANDSHAKE || header[1] != 3 || length == 0 {
                return Hello::Other;
            }
            let whole = self.message.len();
            self.message.extend_from_slice(&body[..length.min(body.len())]);
            if let Some(&[kind, a, b, c]) = self.message.first_chunk() {
                let size = u32::from_be_bytes([0, a, b, c]) as usize;
                if kind != CLIENT_HELLO || size > MAX_HELLO {
                    return Hello::Other;
                }
                if let Some(hello) = self.message.get(4..4 + size) {
                    let beyond = self.message.len() - 4 - size;
                    let consumed = self.at + 5 + length.min(body.len()) - beyond;
                    let complete = |facts| Hello::Complete(facts, consumed);
                    return facts(hello).map_or(Hello::Other, complete);
                }
            }
            if body.len() < length {
                self.message.truncate(whole);
                return Hello::Incomplete;
            }
            self.at += 5 + length;
        }
    }
}

/// What the body of a ClientHello offers.
fn facts(hello: &[u8]) -> Option<TlsFacts> {
    let mut hello = Fields(hello);
    let legacy_version = hello.number(2)?;
    hello.take(32)?; // random
    hello.vector(1)?; // legacy_session_id
    hello.vector(2)?; // cipher_suites
    hello.vector(1)?; // legacy_compression_methods
    let mut facts = TlsFacts {
        versions_offered: version(legacy_version).into_iter().collect(),
        ..TlsFacts::default()
    };
    // Before TLS 1.2 a ClientHello may end here.
    let mut extensions = Fields(hello.vector(2).unwrap_or_default());
    while !extensions.0.is_empty() {
        let kind = extensions.number(2)?;
        let mut body = Fields(extensions.vector(2)?);
        match kind {
            0 => facts.sni = server_name(Fields(body.vector(2)?)),
            16 => {
                let mut protocols = Fields(body.vector(2)?);
                while !protocols.0.is_empty() {
                    let protocol = String::from_utf8_lossy(protocols.vector(1)?);
                    facts.alpn_offered.push(protocol.into_owned());
                }
            }
            43 => {
                let offered = body.vector(1)?.chunks_exact(2);
                facts.versions_offered = offered
                    .filter_map(|pair| version(usize::from(pair[0]) << 8 | usize::from(pair[1])))
                    .collect();
            }
            _ => {}
        }
    }
    Some(facts)
}

/// The first name of type host_name.
fn server_name(mut names: Fields<'_>) -> Option<String> {
    while !names.0.is_empty() {
        let kind = names.number(1)?;
        let name = names.vector(2)?;
        if kind == 0 {
            return Some(String::from_utf8_lossy(name).into_owned());
        }
    }
    None
}

/// A version in words; `None` for what is reserved to keep servers tolerant (RFC 8701).
fn version(number: usize) -> Option<String> {
    Some(match number {
        0x0300 => "SSLv3".to_owned(),
        0x0301 => "TLSv1.0".to_owned(),
        0x0302 => "TLSv1.1".to_owned(),
        0x0303 => "TLSv1.2".to_owned(),
        0x0304 => "TLSv1.3".to_owned(),
        grease if grease & 0x0f0f == 0x0a0a => return None,
        other => format!("{other:#06x}"),
    })
}

/// Reads the fields of a TLS structure one after the other.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self, width: usize) -> Option<usize> {
        Some(self.take(width)?.iter().fold(0, |number, &byte| number << 8 | usize::from(byte)))
    }

    /// A vector whose length stands before it in `width` bytes.
    fn vector(&mut self, width: usize) -> Option<&'a [u8]> {
        let length = self.number(width)?;
        self.take(length)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn client_hello(bytes: &[u8]) -> Hello {
        HelloReader::default().read(bytes)
    }

    fn vector(width: usize, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len()).expect("short");
        [&length.to_be_bytes()[4 - width..], body].concat()
    }

    fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
        [&kind.to_be_bytes()[..], &vector(2, body)].concat()
    }

    /// A handshake message that offers all there is to offer.
    fn hello() -> Vec<u8> {
        let name = [&[0][..], &vector(2, b"db.example")].concat();
        let protocols = [vector(1, b"postgresql"), vector(1, b"h2")].concat();
        let extensions = [
            extension(0x0a0a, b""),
            extension(0, &vector(2, &name)),
            extension(16, &vector(2, &protocols)),
            extension(43, &vector(1, &[0x7a, 0x7a, 3, 4, 3, 3])),
        ]
        .concat();
        let body = [
            &[3, 3][..],
            &[7; 32],
            &vector(1, &[9; 32]),
            &vector(2, &[0x13, 1]),
            &vector(1, &[0]),
            &vector(2, &extensions),
        ]
        .concat();
        [&[CLIENT_HELLO][..], &vector(3, &body)].concat()
    }

    /// The message in records that end at these places.
    fn records(message: &[u8], cuts: &[usize]) -> Vec<u8> {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % message.len()).collect();
        cuts.extend([0, message.len()]);
        cuts.sort_unstable();
        cuts.dedup();
        cuts.windows(2)
            .flat_map(|cut| [&[22, 3, 1][..], &vector(2, &message[cut[0]..cut[1]])].concat())
            .collect()
    }

    fn check(bytes: &[u8], size: usize) {
        let Hello::Complete(facts, consumed) = client_hello(bytes) else {
            panic!("{:?}", client_hello(bytes));
        };
        assert_eq!(consumed, size);
        assert_eq!(facts.sni.as_deref(), Some("db.example"));
        assert_eq!(facts.alpn_offered, ["postgresql", "h2"]);
        assert_eq!(facts.versions_offered, ["TLSv1.3", "TLSv1.2"]);
    }

    #[test]
    fn it_may_end_before_its_extensions() {
        let body = [&[3, 1][..], &[7; 32], &[0], &vector(2, &[0, 5]), &vector(1, &[0])].concat();
        let message = [&[CLIENT_HELLO][..], &vector(3, &body)].concat();
        let Hello::Complete(facts, _) = client_hello(&records(&message, &[])) else {
            panic!("complete")
        };
        assert_eq!(facts.versions_offered, ["TLSv1.0"]);
        assert_eq!((facts.sni, facts.alpn_offered), (None, vec![]));
    }

    #[test]
    fn what_is_none_is_told_early() {
        for bytes in
            [&b"GET"[..], &[0, 0, 0, 8], &[22, 2], &[22, 3, 1, 0, 0], &[22, 3, 1, 0, 4, 2, 0, 0, 1]]
        {
            assert_eq!(client_hello(bytes), Hello::Other, "{bytes:?}");
        }
        assert_eq!(client_hello(b""), Hello::Incomplete);
        assert_eq!(client_hello(&[22]), Hello::Incomplete);
    }

    proptest! {
        #[test]
        fn it_is_read_however_it_is_cut(
            cuts in proptest::collection::vec(any::<usize>(), 0..8),
            behind in proptest::collection::vec(any::<u8>(), 0..9),
        ) {
            let bytes = records(&hello(), &cuts);
            let mut reader = HelloReader::default();
            for end in 0..bytes.len() {
                prop_assert_eq!(client_hello(&bytes[..end]), Hello::Incomplete);
                prop_assert_eq!(reader.read(&bytes[..end]), Hello::Incomplete);
            }
            prop_assert_eq!(reader.read(&bytes), client_hello(&bytes));
            check(&[&bytes[..], &behind].concat(), bytes.len());
        }

        #[test]
        fn nothing_makes_it_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            place in any::<usize>(),
        ) {
            let _ = client_hello(&bytes);
            let mut broken = records(&hello(), &[]);
            let place = place % broken.len();
            for byte in bytes {
                broken[place] = byte;
                let _ = client_hello(&broken);
            }
        }
    }
}
