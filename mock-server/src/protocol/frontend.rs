//! The client's messages after StartupMessage.

use std::fmt;

pub(crate) use super::proof::ProofMessage;
use super::{error::Error, reader::Reader, text::excerpt};

/// The longest message whose length a client chooses freely (queries, parameters), in bytes.
/// PostgreSQL takes up to 1 GiB; nothing said to a mock comes near this.
pub(crate) const MAX_LARGE: usize = 1 << 20;
/// The longest of the other messages, as in PostgreSQL (`PQ_SMALL_MESSAGE_LIMIT`), in bytes.
pub(crate) const MAX_SMALL: usize = 10_000;
/// The longest proof, as in PostgreSQL (`PG_MAX_AUTH_TOKEN_LENGTH`), in bytes.
pub(crate) const MAX_PROOF: usize = 65_535;

/// A message of the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    /// Binds parameters to a statement, which makes a portal.
    Bind(Bind),
    /// Forgets a statement or a portal.
    Close(Target),
    /// Data of a COPY: how many bytes.
    CopyData(usize),
    /// The end of a COPY.
    CopyDone,
    /// A COPY given up, and why.
    CopyFail(String),
    /// Asks what a statement or a portal takes and returns.
    Describe(Target),
    /// Runs a portal.
    Execute {
        /// The portal's name; empty for the unnamed one.
        portal: String,
        /// How many rows at most; 0 or less for all.
        max_rows: i32,
    },
    /// Asks for what is still unsent.
    Flush,
    /// Calls a function by its oid, a way that nobody has taken for decades.
    /// Of it, the number of bytes.
    FunctionCall(usize),
    /// Makes a statement of a text.
    Parse {
        /// The statement's name; empty for the unnamed one.
        statement: String,
        /// Its text.
        query: String,
        /// The oids of its first parameters' types; 0 leaves one open.
        parameter_types: Vec<u32>,
    },
    /// PasswordMessage, SASLInitialResponse, SASLResponse or GSSResponse: the login knows which.
    Proof(ProofMessage),
    /// A simple query.
    Query(String),
    /// Ends a round of extended query.
    Sync,
    /// Ends the session.
    Terminate,
    /// A message of a known type whose body is not what it should be.
    Malformed {
        /// Its type byte.
        tag: u8,
        /// What was wrong.
        error: Error,
    },
    /// A message of another type.
    Unknown {
        /// Its type byte.
        tag: u8,
        /// How many bytes came with it.
        size: usize,
    },
}

/// Bind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bind {
    /// The portal's name; empty for the unnamed one.
    pub(crate) portal: String,
    /// The statement's name; empty for the unnamed one.
    pub(crate) statement: String,
    /// None: all text; one: for all; else one a parameter.
    pub(crate) parameter_formats: Vec<Format>,
    /// How many parameters there are; nothing else is done with their values.
    pub(crate) parameters: usize,
    /// The first parameter, where it is written as an oid may be: what a look-up of a type asks for.
    pub(crate) oid: Option<u32>,
    /// None: all text; one: for all; else one a column.
    pub(crate) result_formats: Vec<Format>,
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// As text (0).
    Text,
    /// In the type's own bytes (1).
    Binary,
}

/// What Describe and Close are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A statement, by its name; empty for the unnamed one.
    Statement(String),
    /// A portal, by its name; empty for the unnamed one.
    Portal(String),
}

impl Message {
    /// Its type byte.
    #[must_use]
    pub(crate) const fn tag(&self) -> u8 {
        match self {
            Self::Bind(_) => b'B',
            Self::Close(_) => b'C',
            Self::CopyData(_) => b'd',
            Self::CopyDone => b'c',
            Self::CopyFail(_) => b'f',
            Self::Describe(_) => b'D',
            Self::Execute { .. } => b'E',
            Self::Flush => b'H',
            Self::FunctionCall(_) => b'F',
            Self::Parse { .. } => b'P',
            Self::Proof(_) => b'p',
            Self::Query(_) => b'Q',
            Self::Sync => b'S',
            Self::Terminate => b'X',
            Self::Malformed { tag, .. } | Self::Unknown { tag, .. } => *tag,
        }
    }

    /// Its name in the protocol's documentation; `unknown` where it has none.
    #[must_use]
    pub(crate) const fn name(&self) -> &'static str {
        name(self.tag())
    }

    /// A few words on its content. Never a proof, nor a parameter's value.
    #[must_use]
    pub(crate) fn summary(&self) -> String {
        match self {
            Self::Bind(bind) => format!(
                "{} from {}, {} parameters",
                quoted(&bind.portal),
                quoted(&bind.statement),
                bind.parameters
            ),
            Self::Close(target) | Self::Describe(target) => target.to_string(),
            Self::CopyData(size) => format!("{size} bytes"),
            Self::CopyFail(reason) => excerpt(reason),
            Self::Execute { portal, max_rows } if *max_rows > 0 => {
                format!("{}, at most {max_rows} rows", quoted(portal))
            }
            Self::Execute { portal, .. } => quoted(portal),
            Self::Parse { statement, query, .. } => {
                format!("{}: {}", quoted(statement), excerpt(query))
            }
            Self::Query(query) => excerpt(query),
            Self::FunctionCall(size) => format!("{size} bytes"),
            Self::Proof(proof) => format!("{} bytes", proof.bytes().len()),
            Self::Malformed { error, .. } => error.to_string(),
            Self::Unknown { tag, size } => format!("type {}, {size} bytes", tag.escape_ascii()),
            Self::CopyDone | Self::Flush | Self::Sync | Self::Terminate => String::new(),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Statement(name) => write!(f, "statement {}", quoted(name)),
            Self::Portal(name) => write!(f, "portal {}", quoted(name)),
        }
    }
}

fn quoted(name: &str) -> String {
    if name.is_empty() { "unnamed".to_owned() } else { format!("`{}`", excerpt(name)) }
}

const fn name(tag: u8) -> &'static str {
    match tag {
        b'B' => "Bind",
        b'C' => "Close",
        b'd' => "CopyData",
        b'c' => "CopyDone",
        b'f' => "CopyFail",
        b'D' => "Describe",
        b'E' => "Execute",
        b'H' => "Flush",
        b'F' => "FunctionCall",
        b'P' => "Parse",
        b'p' => "PasswordMessage",
        b'Q' => "Query",
        b'S' => "Sync",
        b'X' => "Terminate",
        _ => "unknown",
    }
}

/// The longest message of a type, its length field counted and its type byte not, in bytes.
const fn limit(tag: u8) -> (usize, &'static str) {
    match tag {
        b'Q' | b'P' | b'B' | b'd' | b'F' => (MAX_LARGE, "4 to 1048576"),
        b'p' => (MAX_PROOF, "4 to 65535"),
        _ => (MAX_SMALL, "4 to 10000"),
    }
}

/// The size that the first message in `bytes` says it has, if it has come that far; no more than
/// any message may have.
pub(crate) fn size(bytes: &[u8]) -> Option<usize> {
    let length = u32::from_be_bytes(*bytes.get(1..)?.first_chunk()?);
    Some(1 + usize::try_from(length).unwrap_or(MAX_LARGE).min(MAX_LARGE))
}

/// The first message in `bytes` and its size, or `None` while it is incomplete.
///
/// # Errors
/// When its length cannot be one: then nothing after it can be read either. A wrong body is
/// [`Message::Malformed`], since the next message can still be found.
pub(crate) fn message(bytes: &[u8]) -> Result<Option<(Message, usize)>, Error> {
    let Some((&tag, rest)) = bytes.split_first() else { return Ok(None) };
    let Some((length, _)) = rest.split_first_chunk() else { return Ok(None) };
    let length = i32::from_be_bytes(*length);
    let (longest, wanted) = limit(tag);
    let size = match usize::try_from(length) {
        Ok(size) if (4..=longest).contains(&size) => size,
        _ => return Err(Error::Length { message: name(tag), wanted, got: i64::from(length) }),
    };
    let Some(body) = rest.get(4..size) else { return Ok(None) };
    let message = parse(tag, body).unwrap_or_else(|error| Message::Malformed { tag, error });
    Ok(Some((message, 1 + size)))
}

fn parse(tag: u8, body: &[u8]) -> Result<Message, Error> {
    let mut reader = Reader::new(name(tag), body);
    let message = match tag {
        b'B' => Message::Bind(bind(&mut reader)?),
        b'C' => Message::Close(target(&mut reader)?),
        b'd' => Message::CopyData(reader.rest().len()),
        b'c' => Message::CopyDone,
        b'f' => Message::CopyFail(reader.string("a reason")?),
        b'D' => Message::Describe(target(&mut reader)?),
        b'E' => Message::Execute {
            portal: reader.string("a portal")?,
            max_rows: reader.int32("a number of rows")?,
        },
        b'H' => Message::Flush,
        b'F' => Message::FunctionCall(reader.rest().len()),
        b'P' => Message::Parse {
            statement: reader.string("a statement's name")?,
            query: reader.string("a query")?,
            parameter_types: {
                let count = reader.count("a number of types")?;
                (0..count)
                    .map(|_| reader.int32("a type's oid").map(i32::cast_unsigned))
                    .collect::<Result<_, _>>()?
            },
        },
        b'p' => Message::Proof(reader.rest().to_vec().into()),
        b'Q' => Message::Query(reader.string("a query")?),
        b'S' => Message::Sync,
        b'X' => Message::Terminate,
        tag => Message::Unknown { tag, size: reader.rest().len() },
    };
    reader.end()?;
    Ok(message)
}

fn bind(reader: &mut Reader<'_>) -> Result<Bind, Error> {
    let portal = reader.string("a portal")?;
    let statement = reader.string("a statement")?;
    let parameter_formats = formats(reader)?;
    let parameters = reader.count("a number of parameters")?;
    let mut oid = None;
    for number in 0..parameters {
        let value = reader.nullable("a parameter")?;
        if number == 0 {
            let format = parameter_formats.first().copied().unwrap_or(Format::Text);
            oid = value.and_then(|value| oid_of(value, format));
        }
    }
    let result_formats = formats(reader)?;
    Ok(Bind { portal, statement, parameter_formats, parameters, oid, result_formats })
}

fn oid_of(value: &[u8], format: Format) -> Option<u32> {
    match format {
        Format::Text => std::str::from_utf8(value).ok()?.parse().ok(),
        Format::Binary => value.try_into().ok().map(u32::from_be_bytes),
    }
}

fn formats(reader: &mut Reader<'_>) -> Result<Vec<Format>, Error> {
    let count = reader.count("a number of formats")?;
    (0..count)
        .map(|_| match reader.int16("a format")? {
            0 => Ok(Format::Text),
            1 => Ok(Format::Binary),
            _ => Err(reader.error("a format of 0 or 1")),
        })
        .collect()
}

fn target(reader: &mut Reader<'_>) -> Result<Target, Error> {
    match reader.byte("`S` or `P`")? {
        b'S' => Ok(Target::Statement(reader.string("a statement")?)),
        b'P' => Ok(Target::Portal(reader.string("a portal")?)),
        _ => Err(reader.error("`S` or `P`")),
    }
}
