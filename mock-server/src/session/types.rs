//! The few types that answers have, and the oids of those that parameters are cast to.

use super::token::Token;
use crate::protocol::{frontend::Format, pg_type::PgType};

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Bool,
    Int8,
    Int2,
    Int4,
    Text,
}

/// A value of a column; NULL is the absence of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Bool(bool),
    Int(i64),
    Text(String),
}

impl Type {
    const fn pg_type(self) -> PgType {
        match self {
            Self::Bool => PgType::Bool,
            Self::Int8 => PgType::Int8,
            Self::Int2 => PgType::Int2,
            Self::Int4 => PgType::Int4,
            Self::Text => PgType::Text,
        }
    }

    /// From pg_type.
    pub(super) const fn oid(self) -> u32 {
        self.pg_type().oid()
    }

    /// In bytes; -1 if it varies.
    pub(super) const fn size(self) -> i16 {
        self.pg_type().size()
    }

    /// The type that a cast names; those that are not known are written as text.
    pub(super) fn named(name: &str) -> Self {
        match PgType::in_sql(name) {
            Some(PgType::Bool) => Self::Bool,
            Some(PgType::Int8) => Self::Int8,
            Some(PgType::Int2) => Self::Int2,
            Some(PgType::Int4) => Self::Int4,
            _ => Self::Text,
        }
    }

    /// The name that a column gets from a cast to this type.
    pub(super) const fn column_name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int8 => "int8",
            Self::Int2 => "int2",
            Self::Int4 => "int4",
            Self::Text => "text",
        }
    }

    /// The type of a number as it stands in SQL.
    pub(super) fn of(number: i64) -> Self {
        if Self::Int4.holds(number) { Self::Int4 } else { Self::Int8 }
    }

    /// Whether a number fits.
    pub(super) fn holds(self, number: i64) -> bool {
        match self {
            Self::Int2 => i16::try_from(number).is_ok(),
            Self::Int4 => i32::try_from(number).is_ok(),
            Self::Bool | Self::Int8 | Self::Text => true,
        }
    }

    /// A value as a client reads it that was told of this type.
    pub(super) fn encode(self, value: &Value, format: Format) -> Vec<u8> {
        match (value, format) {
            (Value::Int(number), Format::Binary) => match self {
                // A number is cast down only where it fits: see `holds`.
                Self::Int2 => (*number as i16).to_be_bytes().to_vec(),
                Self::Int4 => (*number as i32).to_be_bytes().to_vec(),
                Self::Int8 => number.to_be_bytes().to_vec(),
                Self::Bool => vec![u8::from(*number != 0)],
                Self::Text => number.to_string().into_bytes(),
            },
            (Value::Int(number), Format::Text) if self == Self::Bool => {
                truth(*number != 0).as_bytes().to_vec()
            }
            (Value::Int(number), Format::Text) => number.to_string().into_bytes(),
            (Value::Bool(value), Format::Binary) if self == Self::Bool => vec![u8::from(*value)],
            (Value::Bool(value), _) => truth(*value).as_bytes().to_vec(),
            (Value::Text(text), _) => text.clone().into_bytes(),
        }
    }
}

const fn truth(value: bool) -> &'static str {
    if value { "t" } else { "f" }
}

/// The oid of the type in `::type`, if that is how the tokens begin and the type is known.
pub(super) fn cast_oid(tokens: &[Token]) -> Option<u32> {
    let (Token::Cast, rest) = tokens.split_first()? else { return None };
    let (name, rest) = match rest {
        [schema, dot, name, rest @ ..] if dot.is_symbol('.') && schema.is_word("pg_catalog") => {
            (name, rest)
        }
        [name, rest @ ..] => (name, rest),
        [] => return None,
    };
    let is_array = rest.first().is_some_and(|token| token.is_symbol('['));
    let known = PgType::in_sql(name.identifier()?)?;
    if is_array { Some(known.array_oid()).filter(|&oid| oid != 0) } else { Some(known.oid()) }
}
