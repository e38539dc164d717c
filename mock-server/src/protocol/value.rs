//! The bytes and texts that stand in messages, as they are written in JSON by hand.

use std::{borrow::Cow, fmt};

use data_encoding::HEXLOWER_PERMISSIVE;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, Unexpected, Visitor},
};

pub(crate) use super::codes::{Byte, FormatCode, TypeOid, Version};

/// Any bytes. In JSON a string, or `{"hex": "…"}` where they are no UTF-8; spaces between hex
/// digits count for nothing. Many times the same character is `{"repeat": "a", "times": 1000000}`.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Bytes(pub Vec<u8>);

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<&str> for Bytes {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl From<String> for Bytes {
    fn from(text: String) -> Self {
        Self(text.into_bytes())
    }
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(run) = Run::of(&self.0) {
            return run.serialize(serializer);
        }
        match std::str::from_utf8(&self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => Hex { hex: HexDigits(self.0.clone()) }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BytesVisitor;

        impl<'de> Visitor<'de> for BytesVisitor {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or {\"hex\": …}")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Bytes, E> {
                Ok(text.into())
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Bytes, A::Error> {
                object::<Written, A>(map)?.bytes()
            }
        }

        deserializer.deserialize_any(BytesVisitor)
    }
}

impl JsonSchema for Bytes {
    fn schema_name() -> Cow<'static, str> {
        "Bytes".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Any bytes: a string, or {\"hex\": …} where they are no UTF-8.",
            "anyOf": [
                { "type": "string" },
                generator.subschema_for::<Hex>(),
                generator.subschema_for::<Run>(),
            ],
        })
    }
}

/// Bytes as an object has them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    hex: Option<HexDigits>,
    repeat: Option<String>,
    times: Option<usize>,
}

impl Written {
    fn bytes<E: de::Error>(self) -> Result<Bytes, E> {
        match (self.hex, self.repeat, self.times) {
            (Some(hex), None, None) => Ok(Bytes(hex.0)),
            (None, Some(repeat), Some(times)) => Run { repeat, times }.bytes(),
            _ => Err(E::custom("wanted `hex`, or `repeat` and `times`")),
        }
    }
}

/// Many times the same character.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Run {
    /// One character, or a few.
    repeat: String,
    /// How often; 16 MiB at most come of it.
    times: usize,
}

impl Run {
    /// As many characters as are no more read one by one.
    const LEAST: usize = 64;
    /// The most that comes of it, in bytes.
    const MOST: usize = 16 * 1024 * 1024;

    /// Bytes that are one ASCII character over and over.
    fn of(bytes: &[u8]) -> Option<Self> {
        let (&first, rest) = bytes.split_first()?;
        let same = bytes.len() >= Self::LEAST
            && first.is_ascii()
            && rest.iter().all(|&byte| byte == first);
        same.then(|| Self { repeat: char::from(first).to_string(), times: bytes.len() })
    }

    fn bytes<E: de::Error>(self) -> Result<Bytes, E> {
        if self.repeat.len().saturating_mul(self.times) > Self::MOST {
            return Err(E::custom(format_args!("wanted at most {} bytes of `times`", Self::MOST)));
        }
        Ok(Bytes(self.repeat.repeat(self.times).into_bytes()))
    }
}

/// Bytes in hex.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Hex {
    /// Two hex digits a byte; spaces count for nothing.
    hex: HexDigits,
}

struct HexDigits(Vec<u8>);

impl<'de> Deserialize<'de> for HexDigits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).map(Self).map_err(|_| {
            de::Error::invalid_value(Unexpected::Str(&text), &"hex digits, two a byte")
        })
    }
}

impl Serialize for HexDigits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&HEXLOWER_PERMISSIVE.encode(&self.0))
    }
}

impl JsonSchema for HexDigits {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "HexDigits".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^\\s*([0-9A-Fa-f]\\s*[0-9A-Fa-f]\\s*)*$",
        })
    }
}

/// A derived type from an object in the middle of another's visitor.
fn object<'de, T: Deserialize<'de>, A: MapAccess<'de>>(map: A) -> Result<T, A::Error> {
    T::deserialize(de::value::MapAccessDeserializer::new(map))
}

/// A value with the Int32 length that stands before it.
///
/// In JSON `null`, a string, `{"hex": "…"}`, or an object with a `length` that disagrees:
/// `{"text": "1", "length": 100}`; `{"length": -2}` is a length alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Value {
    /// Its bytes; `None` for NULL.
    pub bytes: Option<Bytes>,
    /// Written in place of the true length, or of the -1 of NULL.
    pub length: Option<i32>,
}

impl Value {
    /// NULL.
    pub(crate) const NULL: Self = Self { bytes: None, length: None };
}

impl<T: Into<Bytes>> From<T> for Value {
    fn from(bytes: T) -> Self {
        Self { bytes: Some(bytes.into()), length: None }
    }
}

/// [`Value`] as an object.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ValueObject {
    /// Its bytes as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Its bytes in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hex: Option<HexDigits>,
    /// A character that it consists of, `times` over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    repeat: Option<String>,
    /// How often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    times: Option<usize>,
    /// Written in place of the true length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    length: Option<i32>,
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.length.is_none() {
            return self.bytes.serialize(serializer);
        }
        let (text, hex) = match self.bytes.clone().map(|bytes| String::from_utf8(bytes.0)) {
            None => (None, None),
            Some(Ok(text)) => (Some(text), None),
            Some(Err(error)) => (None, Some(HexDigits(error.into_bytes()))),
        };
        let length = self.length;
        let (text, repeat, times) = match self.bytes.as_ref().and_then(|bytes| Run::of(&bytes.0)) {
            Some(run) => (None, Some(run.repeat), Some(run.times)),
            None => (text, None, None),
        };
        ValueObject { text, hex, repeat, times, length }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValueVisitor;

        impl<'de> Visitor<'de> for ValueVisitor {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("null, a string, {\"hex\": …} or {\"text\": …, \"length\": …}")
            }

            fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
                Ok(Value::NULL)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
                Ok(text.into())
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
                let object: ValueObject = object(map)?;
                let repeated = match (object.repeat, object.times) {
                    (Some(repeat), Some(times)) => Some(Run { repeat, times }.bytes()?.0),
                    (None, None) => None,
                    _ => return Err(de::Error::custom("wanted `repeat` and `times`, got one")),
                };
                let hex = object.hex.or(repeated.map(HexDigits));
                let bytes = match (object.text, hex) {
                    (None, None) if object.length.is_none() => {
                        return Err(de::Error::custom("wanted `text`, `hex` or `length`"));
                    }
                    (None, None) => None,
                    (Some(text), None) => Some(text.into()),
                    (None, Some(HexDigits(bytes))) => Some(bytes.into()),
                    (Some(_), Some(_)) => {
                        return Err(de::Error::custom("wanted `text` or `hex`, got both"));
                    }
                };
                Ok(Value { bytes, length: object.length })
            }
        }

        deserializer.deserialize_any(ValueVisitor)
    }
}

impl JsonSchema for Value {
    fn schema_name() -> Cow<'static, str> {
        "Value".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "null, a string, {\"hex\": …}, or {\"text\": …, \"length\": …} whose \
                            length disagrees.",
            "anyOf": [
                { "type": ["string", "null"] },
                generator.subschema_for::<ValueObject>(),
            ],
        })
    }
}
