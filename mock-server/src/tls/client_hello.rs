//! The ClientHello, read from the client's first records: what it offers, whoever handles it then.

use crate::transcript::TlsFacts;

/// No client has reason to send a longer one; whoever does is left to the TLS library.
const MAX_HELLO: usize = 64 * 1024;
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

/// Looks for a ClientHello at the front of `bytes`; it may span any number of records.
pub(crate) fn client_hello(bytes: &[u8]) -> Hello {
    let mut message = Vec::new();
    let mut rest = bytes;
    loop {
        let Some((header, body)) = rest.split_first_chunk::<5>() else {
            let plausible = rest.first().is_none_or(|&first| first == HANDSHAKE)
                && rest.get(1).is_none_or(|&major| major == 3);
            return if plausible { Hello::Incomplete } else { Hello::Other };
        };
        let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
        if header[0] != HANDSHAKE || header[1] != 3 || length == 0 {
            return Hello::Other;
        }
        message.extend_from_slice(&body[..length.min(body.len())]);
        if let Some(&[kind, a, b, c]) = message.first_chunk() {
            let size = u32::from_be_bytes([0, a, b, c]) as usize;
            if kind != CLIENT_HELLO || size > MAX_HELLO {
                return Hello::Other;
            }
            if let Some(hello) = message.get(4..4 + size) {
                let beyond = message.len() - 4 - size;
                let consumed = bytes.len() - rest.len() + 5 + length.min(body.len()) - beyond;
                return facts(hello).map_or(Hello::Other, |facts| Hello::Complete(facts, consumed));
            }
        }
        match body.get(length..) {
            Some(next) => rest = next,
            None => return Hello::Incomplete,
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
