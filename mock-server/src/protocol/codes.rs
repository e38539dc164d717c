//! The numbers that stand in messages, as they are written in JSON by hand: many have names.

use std::{borrow::Cow, fmt, marker::PhantomData, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Unexpected, Visitor},
};

use super::pg_type::PgType;

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
        match PgType::ALL.iter().find(|known| known.oid() == self.0) {
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
