//! The first packets of a connection: they have a length, and no type byte.

use super::{error::Error, reader::Reader};

/// The longest first packet, as in PostgreSQL (`MAX_STARTUP_PACKET_LENGTH`), in bytes.
pub(crate) const MAX_LENGTH: usize = 10_000;

const SSL_REQUEST: u32 = request_code(5679);
const GSSENC_REQUEST: u32 = request_code(5680);
const CANCEL_REQUEST: u32 = request_code(5678);
/// The major version under which requests travel that are no StartupMessage.
const REQUEST_MAJOR: u16 = 1234;

const fn request_code(minor: u32) -> u32 {
    ((REQUEST_MAJOR as u32) << 16) | minor
}

/// A first packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Packet {
    /// SSLRequest.
    SslRequest,
    /// GSSENCRequest.
    GssEncRequest,
    /// CancelRequest.
    Cancel(CancelRequest),
    /// StartupMessage.
    Startup(StartupMessage),
}

/// CancelRequest: whose query to cancel, and the proof of the right to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CancelRequest {
    /// BackendKeyData's process id.
    pub(crate) process_id: i32,
    /// BackendKeyData's key: 4 bytes in protocol 3.0, up to 256 in 3.2.
    pub(crate) key: Vec<u8>,
}

/// StartupMessage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StartupMessage {
    /// Major and minor version, such as (3, 0).
    pub(crate) protocol: (u16, u16),
    /// The parameters as they were sent, a NUL behind each name and each value: taken apart they
    /// would hold many times as much.
    parameters: String,
}

impl StartupMessage {
    /// A message without parameters.
    pub(crate) const fn empty() -> Self {
        Self { protocol: (3, 0), parameters: String::new() }
    }

    /// The size of its parameters as they were sent, in bytes.
    pub(crate) fn size(&self) -> usize {
        self.parameters.len()
    }

    /// `user`, `database`, … in the order sent; none if the major version is not 3.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut texts = self.parameters.split_terminator('\0');
        std::iter::from_fn(move || Some((texts.next()?, texts.next()?)))
    }

    /// The last value of a parameter: PostgreSQL too lets the last one win.
    #[must_use]
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters().filter(|(known, _)| *known == name).last().map(|(_, value)| value)
    }

    /// A message with these parameters, which hold no NUL.
    #[cfg(test)]
    pub(crate) fn new(protocol: (u16, u16), parameters: &[(&str, &str)]) -> Self {
        let text = |(name, value): &(&str, &str)| format!("{name}\0{value}\0");
        Self { protocol, parameters: parameters.iter().map(text).collect() }
    }
}

/// The first packet in `bytes` and its size, or `None` while it is incomplete.
///
/// A TLS ClientHello is no packet (its length would be some 370 million): look for it before.
///
/// # Errors
/// When the bytes cannot become a packet, however many follow.
pub(crate) fn first_packet(bytes: &[u8]) -> Result<Option<(Packet, usize)>, Error> {
    let Some((length, _)) = bytes.split_first_chunk() else { return Ok(None) };
    let length = u32::from_be_bytes(*length);
    let size = usize::try_from(length).unwrap_or(usize::MAX);
    if !(8..=MAX_LENGTH).contains(&size) {
        return Err(Error::Length {
            message: "first packet",
            wanted: "8 to 10000",
            got: i64::from(length),
        });
    }
    let Some(packet) = bytes.get(..size) else { return Ok(None) };
    parse(&packet[4..]).map(|packet| Some((packet, size)))
}

fn parse(body: &[u8]) -> Result<Packet, Error> {
    let mut reader = Reader::new("first packet", body);
    let code = reader.int32("a version")?.cast_unsigned();
    let protocol = ((code >> 16) as u16, (code & 0xffff) as u16);
    match (code, protocol.0) {
        (SSL_REQUEST, _) => {
            Reader::new("SSLRequest", reader.rest()).end()?;
            Ok(Packet::SslRequest)
        }
        (GSSENC_REQUEST, _) => {
            Reader::new("GSSENCRequest", reader.rest()).end()?;
            Ok(Packet::GssEncRequest)
        }
        (CANCEL_REQUEST, _) => cancel_request(reader.rest()).map(Packet::Cancel),
        (code, REQUEST_MAJOR) => Err(Error::RequestCode(code)),
        (_, 3) => {
            let parameters = parameters(reader.rest())?;
            Ok(Packet::Startup(StartupMessage { protocol, parameters }))
        }
        // Other major versions lay their parameters out otherwise; the server only refuses them.
        _ => Ok(Packet::Startup(StartupMessage { protocol, parameters: String::new() })),
    }
}

fn cancel_request(body: &[u8]) -> Result<CancelRequest, Error> {
    let mut reader = Reader::new("CancelRequest", body);
    let process_id = reader.int32("a process id")?;
    let key = reader.rest();
    if !(1..=256).contains(&key.len()) {
        return Err(reader.error("a key of 1 to 256 bytes"));
    }
    Ok(CancelRequest { process_id, key: key.to_vec() })
}

fn parameters(body: &[u8]) -> Result<String, Error> {
    let mut reader = Reader::new("StartupMessage", body);
    loop {
        if reader.text("a parameter's name or the final NUL")?.is_empty() {
            reader.end()?;
            let all = &body[..body.len() - 1];
            return Ok(String::from_utf8_lossy(all).into_owned());
        }
        reader.text("a parameter's value")?;
    }
}
