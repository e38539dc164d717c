//! Watches the backend's messages from the StartupMessage to ReadyForQuery, because tokio-postgres does not tell
//! *when* an error came, and takes a few answers that libpq refuses.

use crate::config::Binding;

/// libpq's limits for the length field (fe-connect.c, state CONNECTION_AWAITING_RESPONSE).
const REQUEST_LENGTHS: std::ops::RangeInclusive<u32> = 8..=2000;
const ERROR_LENGTHS: std::ops::RangeInclusive<u32> = 8..=30_000;
/// No message of a login that we read the body of is longer.
const KEPT: usize = 30_000;

/// Why we break a login off.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Violation {
    #[error("wanted an authentication request, got message type 0x{0:02x}")]
    UnexpectedMessage(u8),
    #[error("message type {0} came with a length of {1} bytes")]
    Length(char, u32),
    #[error("the server answered in the protocol's version 2, or not as a PostgreSQL server")]
    OldProtocol,
    #[error(
        "the server wants to negotiate the protocol's version, of which 3.0 leaves nothing to negotiate"
    )]
    NegotiateProtocolVersion,
    #[error("the server offers SCRAM-SHA-256-PLUS on a connection without TLS")]
    PlusWithoutTls,
    #[error("none of the server's SASL mechanisms is one of ours")]
    NoMechanism,
    #[error(
        "the signature of the server's certificate names no hash, so that channel binding is impossible: \
         set channel_binding=disable to do without"
    )]
    NoHash,
    #[error("the list of SASL mechanisms is malformed")]
    MalformedMechanisms,
}

/// What the login depends on besides the messages: what it goes by, and what is wanted of that.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Channel {
    pub(crate) encrypted: bool,
    /// Whether there is a tls-server-end-point for this connection.
    pub(crate) binding_known: bool,
    pub(crate) binding: Binding,
}

/// How far the login came, by what the server sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stage {
    /// No AuthenticationOk yet.
    Asked,
    /// An ErrorResponse instead of AuthenticationOk, with its SQLSTATE.
    Rejected(Option<String>),
    /// AuthenticationOk, and not ReadyForQuery yet.
    Authenticated,
    /// ReadyForQuery.
    Ready,
}

/// What a cancel request names its session by.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct CancelKey(pub(crate) Vec<u8>);

/// The watch itself: fed with the backend's bytes as they come.
#[derive(Debug)]
pub(crate) struct Watch {
    channel: Channel,
    stage: Stage,
    key: Option<CancelKey>,
    /// The message that is not complete yet: type, length, and as much of the body as matters.
    partial: Vec<u8>,
    /// Bytes of a body still to come that are not kept.
    skip: usize,
}

impl Watch {
    pub(crate) fn new(channel: Channel) -> Watch {
        Watch { channel, stage: Stage::Asked, key: None, partial: Vec::new(), skip: 0 }
    }

    pub(crate) fn stage(&self) -> &Stage {
        &self.stage
    }

    pub(crate) fn key(&self) -> Option<&CancelKey> {
        self.key.as_ref()
    }

    /// Takes the next bytes. Says how many of them belong to the login: all, or those up to ReadyForQuery.
    ///
    /// # Errors
    /// What libpq would not go on with.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<usize, Violation> {
        let mut rest = bytes;
        while !rest.is_empty() && self.stage != Stage::Ready {
            if self.skip > 0 {
                let skipped = self.skip.min(rest.len());
                self.skip -= skipped;
                rest = &rest[skipped..];
                continue;
            }
            let wanted = match self.length()? {
                None => 5,
                Some(length) => length as usize + 1,
            };
            let taken = (wanted - self.partial.len()).min(rest.len());
            self.partial.extend_from_slice(&rest[..taken]);
            rest = &rest[taken..];
            if self.partial.len() == 5 {
                self.header()?;
            }
            if self.length()?.is_some_and(|length| self.partial.len() == length as usize + 1) {
                let message = std::mem::take(&mut self.partial);
                self.message(message[0], &message[5..])?;
            }
        }
        Ok(bytes.len() - rest.len())
    }

    /// The length field of the message at hand, once it is there.
    fn length(&self) -> Result<Option<u32>, Violation> {
        let Some(field) = self.partial.get(1..5) else { return Ok(None) };
        let length = field.iter().fold(0, |sum, &byte| (sum << 8) | u32::from(byte));
        match length {
            0..4 => Err(Violation::Length(char::from(self.partial[0]), length)),
            _ => Ok(Some(length)),
        }
    }

    /// Judges a message by its first five bytes.
    fn header(&mut self) -> Result<(), Violation> {
        let tag = self.partial[0];
        if self.stage == Stage::Asked {
            match tag {
                b'E' => {}
                b'R' | b'v' => {}
                other => return Err(Violation::UnexpectedMessage(other)),
            }
        }
        // An error of version 2 is text where version 3 has a length.
        if self.stage == Stage::Asked
            && tag == b'E'
            && !self.length().is_ok_and(within(ERROR_LENGTHS))
        {
            return Err(Violation::OldProtocol);
        }
        let length = self.length()?.unwrap_or_default();
        if self.stage == Stage::Asked && tag != b'E' && !REQUEST_LENGTHS.contains(&length) {
            return Err(Violation::Length(char::from(tag), length));
        }
        if length as usize > KEPT {
            self.skip = length as usize - 4;
            self.partial.clear();
        }
        Ok(())
    }

    fn message(&mut self, tag: u8, body: &[u8]) -> Result<(), Violation> {
        match (&self.stage, tag) {
            (Stage::Asked, b'v') => return Err(Violation::NegotiateProtocolVersion),
            (Stage::Asked, b'E') => self.stage = Stage::Rejected(sqlstate(body)),
            (Stage::Asked, b'R') => match body {
                [0, 0, 0, 0, ..] => self.stage = Stage::Authenticated,
                [0, 0, 0, 10, mechanisms @ ..] => self.mechanisms(mechanisms)?,
                _ => {}
            },
            (Stage::Authenticated, b'K') => self.key = Some(CancelKey(body.to_vec())),
            (Stage::Authenticated, b'Z') => self.stage = Stage::Ready,
            _ => {}
        }
        Ok(())
    }

    /// Refuses the offers on which libpq gives up and tokio-postgres does not.
    fn mechanisms(&self, list: &[u8]) -> Result<(), Violation> {
        let list = list.strip_suffix(&[0]).ok_or(Violation::MalformedMechanisms)?;
        let offers = |name: &str| {
            list.split(|&byte| byte == 0).any(|mechanism| mechanism == name.as_bytes())
        };
        let plus = offers("SCRAM-SHA-256-PLUS");
        if plus && !self.channel.encrypted {
            return Err(Violation::PlusWithoutTls);
        }
        let bind = plus && self.channel.binding != Binding::Disable;
        if bind && !self.channel.binding_known {
            return Err(Violation::NoHash);
        }
        match bind || offers("SCRAM-SHA-256") {
            true => Ok(()),
            false => Err(Violation::NoMechanism),
        }
    }
}

fn within(range: std::ops::RangeInclusive<u32>) -> impl Fn(Option<u32>) -> bool {
    move |length| length.is_some_and(|length| range.contains(&length))
}

/// The field C of an ErrorResponse.
fn sqlstate(body: &[u8]) -> Option<String> {
    body.split(|&byte| byte == 0)
        .find_map(|field| field.strip_prefix(b"C"))
        .map(|code| String::from_utf8_lossy(code).into_owned())
}

/// The secret is left out.
impl std::fmt::Debug for CancelKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CancelKey(_)")
    }
}

#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
#[cfg(test)]
mod tests;
