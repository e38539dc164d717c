//! Casts: a value of one type as one of another, by way of its text as PostgreSQL does it where there is
//! no better way.

use super::{
    decimal::Decimal,
    literal::{read_array, read_bytea, read_pairs, read_uuid},
    moment,
    types::{Scalar, Type},
    value::Value,
};
use crate::protocol::{pg_type::PgType, report::Report};

/// The value cast from one type to another.
///
/// # Errors
/// 22P02 or 22007 where its text is none of the other type, 22003 where it does not fit.
pub(super) fn cast(value: Value, from: Type, to: Type) -> Result<Value, Report> {
    let is_integer = |of_type: Type| {
        [PgType::Int2, PgType::Int4, PgType::Int8, PgType::Oid]
            .into_iter()
            .any(|known| of_type == Type::built_in(known))
    };
    Ok(match value {
        Value::Bool(value) if is_integer(to) => Value::Int(i64::from(value)),
        Value::Bool(value) if to == Type::TEXT => value.to_string().into(),
        Value::Int(number) if to == Type::BOOL => Value::Bool(number != 0),
        Value::Int(number) if is_integer(to) => Value::Int(fitting(number, to)?),
        Value::Float(_) | Value::Decimal(_) if is_integer(to) => {
            let text = value.text(from);
            let number = text.parse::<f64>().unwrap_or(f64::NAN).round_ties_even();
            // A float beyond all integers becomes the last of them, which fits as little.
            Value::Int(fitting(if number.is_nan() { i64::MAX } else { number as i64 }, to)?)
        }
        value if from == to => value,
        value => read(&value.text(from), to)?,
    })
}

/// What a text means as a value of this type.
fn read(text: &str, of_type: Type) -> Result<Value, Report> {
    let scalar = match of_type {
        Type::Of(scalar) => scalar,
        Type::ArrayOf(scalar) => {
            let texts = read_array(text).ok_or_else(|| malformed("array literal", text))?;
            let read = |text: String| self::read(&text, Type::Of(scalar));
            let values = texts.into_iter().map(|text| text.map(read).transpose());
            return values.collect::<Result<_, _>>().map(Value::Array);
        }
    };
    let trimmed = text.trim();
    let value = match scalar {
        Scalar::Hstore => read_pairs(text).map(Value::Pairs),
        Scalar::BuiltIn(known) => match known {
            PgType::Bool => read_bool(trimmed).map(Value::Bool),
            PgType::Int2 | PgType::Int4 | PgType::Int8 | PgType::Oid => {
                let number = trimmed.parse::<i64>().ok();
                number.map(|number| fitting(number, of_type)).transpose()?.map(Value::Int)
            }
            PgType::Float4 => trimmed.parse::<f32>().ok().map(|float| Value::Float(float.into())),
            PgType::Float8 => trimmed.parse().ok().map(Value::Float),
            PgType::Numeric => Decimal::read(trimmed).map(Value::Decimal),
            PgType::Bytea => read_bytea(text).map(Value::Bytes),
            PgType::Date => moment::read_day(text).map(Value::Day),
            PgType::Timestamp | PgType::Timestamptz => moment::read(text).map(Value::Moment),
            PgType::Uuid => read_uuid(trimmed).map(Value::Uuid),
            PgType::Json | PgType::Jsonb => {
                let is_json = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
                is_json.then(|| text.into())
            }
            _ => Some(text.into()),
        },
    };
    value.ok_or_else(|| malformed(of_type.column_name().unwrap_or("text"), text))
}

/// The values of bool's text that PostgreSQL's manual names.
fn read_bool(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "t" | "true" | "y" | "yes" | "on" | "1" => Some(true),
        "f" | "false" | "n" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

fn fitting(number: i64, of_type: Type) -> Result<i64, Report> {
    let fits = match of_type {
        Type::Of(Scalar::BuiltIn(PgType::Int2)) => i16::try_from(number).is_ok(),
        Type::Of(Scalar::BuiltIn(PgType::Int4)) => i32::try_from(number).is_ok(),
        Type::Of(Scalar::BuiltIn(PgType::Oid)) => u32::try_from(number).is_ok(),
        _ => true,
    };
    let name = of_type.column_name().unwrap_or("integer");
    if fits { Ok(number) } else { Err(Report::error("22003", format!("{name} out of range"))) }
}

fn malformed(name: &str, text: &str) -> Report {
    Report::error("22P02", format!("invalid input syntax for type {name}: \"{text}\""))
}
