//! What a segment is made of: raw bytes, protocol messages by their fields, TLS alerts.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::{Map, Value};

use super::path;
use crate::protocol::message::BackendMessage;

/// A part of a segment.
///
/// Texts may hold `{canary}` (the text that shows where an ErrorResponse in clear ends up),
/// `{number}` (of the cell's query), `{user}`, `{database}`, and for SCRAM `{client_nonce}`,
/// `{server_nonce}`, `{salt}` and `{server_signature}`; other braces stand for themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// These bytes.
    Raw(Raw),
    /// A TLS alert in a plaintext record, as before or in a handshake.
    Alert(Alert),
    /// What PostgreSQL sends behind a login: AuthenticationOk, a ParameterStatus for each parameter,
    /// BackendKeyData, ReadyForQuery.
    Welcome,
    /// A message.
    Message(BackendMessage),
    /// Contents over and over: a flood.
    Repeat(Repeated),
}

/// Contents that are sent more than once, in one go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Repeated {
    /// How often; no more than 16 MiB are ever sent of it.
    pub times: u32,
    /// What.
    pub contents: Vec<Content>,
}

impl Repeated {
    /// These contents so often.
    #[must_use]
    pub const fn new(times: u32, contents: Vec<Content>) -> Self {
        Self { times, contents }
    }
}

/// Bytes that are no message, or are none on purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Raw {
    /// A text's.
    Text(String),
    /// Any; pairs of hexadecimal digits outside.
    Hex(Vec<u8>),
}

/// A TLS alert (RFC 8446, section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Alert {
    /// 1 is a warning, 2 is fatal.
    #[serde(default = "Alert::fatal")]
    pub level: u8,
    /// Such as 40, handshake_failure.
    pub description: u8,
}

impl Alert {
    /// An alert of this level (1 is a warning, 2 is fatal) and description.
    #[must_use]
    pub const fn new(level: u8, description: u8) -> Self {
        Self { level, description }
    }

    const fn fatal() -> u8 {
        2
    }
}

impl Content {
    /// These characters' bytes.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Raw(Raw::Text(text.into()))
    }
}

impl From<BackendMessage> for Content {
    fn from(message: BackendMessage) -> Self {
        Self::Message(message)
    }
}

impl Raw {
    /// The bytes, braces as they stand.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Hex(bytes) => bytes,
        }
    }
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let one = |key: &str, value: Value| Map::from_iter([(key.to_owned(), value)]);
        match self {
            Self::Raw(Raw::Text(text)) => one("text", text.as_str().into()).serialize(serializer),
            Self::Raw(Raw::Hex(bytes)) => one("hex", hex(bytes).into()).serialize(serializer),
            Self::Alert(alert) => {
                let value = serde_json::to_value(alert).map_err(serde::ser::Error::custom)?;
                one("alert", value).serialize(serializer)
            }
            Self::Repeat(repeated) => {
                let value = serde_json::to_value(repeated).map_err(serde::ser::Error::custom)?;
                one("repeat", value).serialize(serializer)
            }
            Self::Welcome => serializer.serialize_str("welcome"),
            Self::Message(message) => message.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let (key, inner) = match &value {
            Value::String(name) => (name.as_str(), None),
            Value::Object(object) if object.len() == 1 => {
                let Some((key, inner)) = object.iter().next() else {
                    unreachable!("of length one")
                };
                (key.as_str(), Some(inner))
            }
            other => {
                let wanted = "wanted a name, or an object with one key that names what to send";
                return Err(D::Error::custom(format!("{wanted}, got {}", path::excerpt(other))));
            }
        };
        let text = |key: &str| {
            let text = inner.and_then(Value::as_str).map(str::to_owned);
            text.ok_or_else(|| D::Error::custom(format!("{key}: wanted a text")))
        };
        match key {
            "text" => Ok(Self::Raw(Raw::Text(text("text")?))),
            "hex" => {
                let bytes = unhex(&text("hex")?).map_err(D::Error::custom)?;
                Ok(Self::Raw(Raw::Hex(bytes)))
            }
            "welcome" if inner.is_none() => Ok(Self::Welcome),
            "alert" => path::part(inner.cloned().unwrap_or_default(), "alert").map(Self::Alert),
            "repeat" => path::part(inner.cloned().unwrap_or_default(), "repeat").map(Self::Repeat),
            _ => path::part(value, "").map(Self::Message),
        }
        .map_err(D::Error::custom)
    }
}

impl JsonSchema for Content {
    fn schema_name() -> Cow<'static, str> {
        "Content".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let alert = generator.subschema_for::<Alert>();
        let message = generator.subschema_for::<BackendMessage>();
        let repeated = generator.subschema_for::<Repeated>();
        json_schema!({
            "description": "a part of a segment: a text's bytes, other bytes, a TLS alert, what \
                            PostgreSQL sends behind a login, a message by its name and fields, or contents \
                            over and over",
            "anyOf": [
                {"const": "welcome"},
                {
                    "type": "object", "additionalProperties": false,
                    "required": ["text"], "properties": {"text": {"type": "string"}}
                },
                {
                    "type": "object", "additionalProperties": false,
                    "required": ["hex"],
                    "properties": {"hex": {"type": "string", "pattern": "^([0-9a-fA-F]{2} ?)*$"}}
                },
                {
                    "type": "object", "additionalProperties": false,
                    "required": ["alert"], "properties": {"alert": alert}
                },
                {
                    "type": "object", "additionalProperties": false,
                    "required": ["repeat"], "properties": {"repeat": repeated}
                },
                message
            ]
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Pairs of digits, with spaces wherever they help to read.
fn unhex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let wrong = || format!("hex: wanted pairs of hexadecimal digits, got `{text}`");
    let (pairs, []) = digits.as_chunks::<2>() else { return Err(wrong()) };
    let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    pairs.iter().map(|pair| byte(pair).ok_or_else(wrong)).collect()
}
