//! Values of columns, in the text and the binary format of their types.

use super::{
    decimal::Decimal,
    literal::{array_text, bytea_text, float_text, pairs_text, uuid_text},
    moment,
    types::Type,
};
use crate::protocol::{frontend::Format, pg_type::PgType};

/// A value of a column; NULL is the absence of one.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Bool(bool),
    /// Of int2, int4, int8 or oid, into which it fits.
    Int(i64),
    /// Of float4 or float8.
    Float(f64),
    Decimal(Decimal),
    Bytes(Vec<u8>),
    /// Days since 2000.
    Day(i32),
    /// Microseconds since 2000, of timestamp or timestamptz.
    Moment(i64),
    Uuid([u8; 16]),
    /// Of text, json, jsonb or a type that is not known.
    Text(String),
    Array(Vec<Option<Value>>),
    /// Of hstore.
    Pairs(Vec<(String, Option<String>)>),
}

impl Value {
    /// What it holds beside its own place, in bytes.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::Decimal(decimal) => decimal.as_str().len(),
            Self::Array(elements) => {
                let held: usize = elements.iter().flatten().map(Self::size).sum();
                held + size_of_val(elements.as_slice())
            }
            Self::Pairs(pairs) => {
                let held: usize = pairs
                    .iter()
                    .map(|(key, value)| key.len() + value.as_ref().map_or(0, String::len))
                    .sum();
                held + size_of_val(pairs.as_slice())
            }
            Self::Bool(_)
            | Self::Int(_)
            | Self::Float(_)
            | Self::Day(_)
            | Self::Moment(_)
            | Self::Uuid(_) => 0,
        }
    }

    /// The type of a value as it stands in SQL without a cast.
    pub(super) fn own_type(&self) -> Type {
        match self {
            Self::Bool(_) => Type::BOOL,
            Self::Int(number) => Type::of(*number),
            Self::Decimal(_) => Type::NUMERIC,
            _ => Type::TEXT,
        }
    }

    /// As a client reads it that was told of this type.
    pub(super) fn encode(&self, of_type: Type, format: Format) -> Vec<u8> {
        match format {
            Format::Text => self.text(of_type).into_bytes(),
            Format::Binary => self.binary(of_type),
        }
    }

    /// In the text format of its type.
    pub(super) fn text(&self, of_type: Type) -> String {
        let is = |known| of_type == Type::built_in(known);
        match self {
            Self::Bool(value) => if *value { "t" } else { "f" }.to_owned(),
            Self::Int(number) => number.to_string(),
            Self::Float(number) => float_text(*number, is(PgType::Float4)),
            Self::Decimal(decimal) => decimal.as_str().to_owned(),
            Self::Bytes(bytes) => bytea_text(bytes),
            Self::Day(days) => moment::day_text(*days),
            Self::Moment(microseconds) => moment::text(*microseconds, is(PgType::Timestamptz)),
            Self::Uuid(bytes) => uuid_text(bytes),
            Self::Text(text) => text.clone(),
            Self::Array(elements) => {
                let element = element_of(of_type);
                array_text(
                    elements.iter().map(|value| value.as_ref().map(|value| value.text(element))),
                )
            }
            Self::Pairs(pairs) => pairs_text(pairs),
        }
    }

    /// In the binary format of its type: what its `send` function writes.
    fn binary(&self, of_type: Type) -> Vec<u8> {
        let is = |known| of_type == Type::built_in(known);
        match self {
            Self::Bool(value) => vec![u8::from(*value)],
            // A number is cast down only where it fits.
            Self::Int(number) if is(PgType::Int2) => (*number as i16).to_be_bytes().to_vec(),
            Self::Int(number) if is(PgType::Int8) => number.to_be_bytes().to_vec(),
            Self::Int(number) => (*number as i32).to_be_bytes().to_vec(),
            Self::Float(number) if is(PgType::Float4) => (*number as f32).to_be_bytes().to_vec(),
            Self::Float(number) => number.to_be_bytes().to_vec(),
            Self::Decimal(decimal) => decimal.binary(),
            Self::Bytes(bytes) => bytes.clone(),
            Self::Day(days) => days.to_be_bytes().to_vec(),
            Self::Moment(microseconds) => microseconds.to_be_bytes().to_vec(),
            Self::Uuid(bytes) => bytes.to_vec(),
            // The version of jsonb's format, and the text.
            Self::Text(text) if is(PgType::Jsonb) => [&[1], text.as_bytes()].concat(),
            Self::Text(text) => text.clone().into_bytes(),
            Self::Array(elements) => array_binary(elements, element_of(of_type)),
            Self::Pairs(pairs) => pairs_binary(pairs),
        }
    }
}

fn element_of(array: Type) -> Type {
    match array {
        Type::ArrayOf(scalar) => Type::Of(scalar),
        scalar @ Type::Of(_) => scalar,
    }
}

/// `array_send`: dimensions, whether there are NULLs, the elements' type, each dimension's size and lower
/// bound, the elements.
fn array_binary(elements: &[Option<Value>], element: Type) -> Vec<u8> {
    let int = |number: usize| i32::try_from(number).unwrap_or(i32::MAX).to_be_bytes();
    let mut bytes = Vec::new();
    bytes.extend(int(usize::from(!elements.is_empty())));
    bytes.extend(int(usize::from(elements.contains(&None))));
    bytes.extend(element.oid().to_be_bytes());
    if !elements.is_empty() {
        bytes.extend(int(elements.len()));
        bytes.extend(int(1));
    }
    for value in elements {
        with_length(value.as_ref().map(|value| value.binary(element)).as_deref(), &mut bytes);
    }
    bytes
}

/// `hstore_send`: how many pairs, and each key and value.
fn pairs_binary(pairs: &[(String, Option<String>)]) -> Vec<u8> {
    let count = i32::try_from(pairs.len()).unwrap_or(i32::MAX);
    let mut bytes = count.to_be_bytes().to_vec();
    for (key, value) in pairs {
        with_length(Some(key.as_bytes()), &mut bytes);
        with_length(value.as_ref().map(String::as_bytes), &mut bytes);
    }
    bytes
}

fn with_length(value: Option<&[u8]>, bytes: &mut Vec<u8>) {
    let length = value.map_or(-1, |value| i32::try_from(value.len()).unwrap_or(i32::MAX));
    bytes.extend(length.to_be_bytes());
    bytes.extend(value.unwrap_or_default());
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
