//! The values that stand in messages, as they are written in JSON by hand.

use std::{borrow::Cow, fmt, marker::PhantomData, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, Unexpected, Visitor},
    ser::SerializeMap,
};

use super::pg_type::PgType;

/// Any bytes. In JSON a string, or `{"hex": "…"}` where they are no UTF-8; spaces between hex
/// digits count for nothing.
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
        match std::str::from_utf8(&self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("hex", &hex(&self.0))?;
                map.end()
            }
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
                let object: Hex = object(map)?;
                Ok(Bytes(object.hex.0))
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
            "anyOf": [{ "type": "string" }, generator.subschema_for::<Hex>()],
        })
    }
}

/// Bytes in hex.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Hex {
    /// Two hex digits a byte; spaces count for nothing.
    #[schemars(with = "String", regex(pattern = "^\\s*([0-9A-Fa-f]\\s*[0-9A-Fa-f]\\s*)*$"))]
    hex: HexDigits,
}

struct HexDigits(Vec<u8>);

impl FromStr for HexDigits {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WANTED: &str = "hex digits, two a byte";
        let digits = text.chars().filter(|c| !c.is_ascii_whitespace());
        let digits: Vec<u8> = digits
            .map(|digit| digit.to_digit(16).map(|digit| digit as u8).ok_or(WANTED))
            .collect::<Result<_, _>>()?;
        let (pairs, rest) = digits.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(WANTED);
        }
        Ok(Self(pairs.iter().map(|[high, low]| high << 4 | low).collect()))
    }
}

impl<'de> Deserialize<'de> for HexDigits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|wanted| de::Error::invalid_value(Unexpected::Str(&text), &wanted))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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
    #[schemars(with = "Option<String>")]
    hex: Option<HexDigits>,
    /// Written in place of the true length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    length: Option<i32>,
}

impl Serialize for HexDigits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(&self.0))
    }
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
        ValueObject { text, hex, length: self.length }.serialize(serializer)
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
                let bytes = match (object.text, object.hex) {
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

/// One byte. In JSON an ASCII character (`"I"`) or a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Byte(pub u8);

impl Serialize for Byte {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            0x20..=0x7e => serializer.serialize_char(char::from(self.0)),
            byte => serializer.serialize_u8(byte),
        }
    }
}

impl<'de> Deserialize<'de> for Byte {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ByteVisitor;

        impl Visitor<'_> for ByteVisitor {
            type Value = Byte;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one ASCII character or a number up to 255")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Byte, E> {
                match text.as_bytes() {
                    [byte] => Ok(Byte(*byte)),
                    _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
                }
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Byte, E> {
                let wrong = |_| E::invalid_value(Unexpected::Unsigned(number), &self);
                u8::try_from(number).map(Byte).map_err(wrong)
            }
        }

        deserializer.deserialize_any(ByteVisitor)
    }
}

impl JsonSchema for Byte {
    fn schema_name() -> Cow<'static, str> {
        "Byte".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "One byte: an ASCII character, or a number.",
            "anyOf": [
                { "type": "string", "pattern": "^[\\x00-\\x7f]$" },
                { "type": "integer", "minimum": 0, "maximum": 255 },
            ],
        })
    }
}

/// How values are written. In JSON `"text"` (0), `"binary"` (1) or any other number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct FormatCode<N = i16>(pub N);

/// The numbers that a format is told by: an Int16 for a column, a byte for a COPY.
pub trait FormatNumber: Copy + From<u8> + Into<i64> + TryFrom<i64> {}

impl FormatNumber for i16 {}
impl FormatNumber for u8 {}

impl<N: FormatNumber> FormatCode<N> {
    /// As text.
    pub(crate) fn text() -> Self {
        Self(0.into())
    }

    /// In the type's own bytes.
    pub(crate) fn binary() -> Self {
        Self(1.into())
    }
}

impl<N: FormatNumber> Serialize for FormatCode<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.into() {
            0 => serializer.serialize_str("text"),
            1 => serializer.serialize_str("binary"),
            other => serializer.serialize_i64(other),
        }
    }
}

impl<'de, N: FormatNumber> Deserialize<'de> for FormatCode<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FormatVisitor<N>(PhantomData<N>);

        impl<N: FormatNumber> Visitor<'_> for FormatVisitor<N> {
            type Value = FormatCode<N>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "`text`, `binary` or an Int{}", 8 * size_of::<N>())
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                match text {
                    "text" => Ok(FormatCode::text()),
                    "binary" => Ok(FormatCode::binary()),
                    _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
                }
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
                let wrong = |_| E::invalid_value(Unexpected::Signed(number), &self);
                N::try_from(number).map(FormatCode).map_err(wrong)
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
                self.visit_i64(i64::try_from(number).unwrap_or(i64::MAX))
            }
        }

        deserializer.deserialize_any(FormatVisitor(PhantomData))
    }
}

impl<N> JsonSchema for FormatCode<N> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "FormatCode".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "How values are written: text (0), binary (1), or another number.",
            "anyOf": [{ "enum": ["text", "binary"] }, { "type": "integer" }],
        })
    }
}

/// A type's oid. In JSON the name of a usual type (`"int4"`) or a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TypeOid(pub u32);

impl From<PgType> for TypeOid {
    fn from(known: PgType) -> Self {
        Self(known.oid())
    }
}

impl Serialize for TypeOid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match PgType::ALL.into_iter().find(|known| known.oid() == self.0) {
            Some(known) => known.serialize(serializer),
            None => serializer.serialize_u32(self.0),
        }
    }
}

impl<'de> Deserialize<'de> for TypeOid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TypeVisitor;

        impl Visitor<'_> for TypeVisitor {
            type Value = TypeOid;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a type's name or an oid")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<TypeOid, E> {
                PgType::deserialize(de::value::StrDeserializer::new(name)).map(Into::into)
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<TypeOid, E> {
                let wrong = |_| E::invalid_value(Unexpected::Unsigned(number), &self);
                u32::try_from(number).map(TypeOid).map_err(wrong)
            }
        }

        deserializer.deserialize_any(TypeVisitor)
    }
}

impl JsonSchema for TypeOid {
    fn schema_name() -> Cow<'static, str> {
        "TypeOid".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A type: the name of a usual one, or an oid.",
            "anyOf": [
                generator.subschema_for::<PgType>(),
                { "type": "integer", "minimum": 0, "maximum": u32::MAX },
            ],
        })
    }
}

/// A version of the protocol. In JSON `"3.2"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Version {
    /// Such as 3.
    pub major: u16,
    /// Such as 2.
    pub minor: u16,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for Version {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (major, minor) = text.split_once('.').unwrap_or((text, ""));
        Ok(Self { major: major.parse()?, minor: minor.parse()? })
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong =
            |_| de::Error::invalid_value(Unexpected::Str(&text), &"a version such as \"3.2\"");
        text.parse().map_err(wrong)
    }
}

impl JsonSchema for Version {
    fn schema_name() -> Cow<'static, str> {
        "Version".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A version of the protocol, such as \"3.2\".",
            "type": "string",
            "pattern": "^[0-9]{1,5}\\.[0-9]{1,5}$",
        })
    }
}
