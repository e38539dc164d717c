//! Typed columns as an application of tokio-postgres reads them: each as the Rust type that stands for it.

use std::{
    collections::{BTreeMap, HashMap},
    error::Error,
    time::SystemTime,
};

use pgtls_conformance::shim::ColumnType;
use postgres_protocol::types::{array_from_sql, hstore_from_sql};
use tokio_postgres::{
    Row,
    fallible_iterator::FallibleIterator as _,
    types::{FromSql, Kind, Type},
};

/// A row's values as texts. The columns that were asked for are read as these types, and others that the
/// server may have sent as what they are: bytes.
///
/// A driver that `shares_memory` with the whole program reads arrays and hstore element by element:
/// postgres-types takes room for as many as the server says, and an allocation that fails ends the process.
pub(super) fn texts(
    row: &Row,
    fetch: &[ColumnType],
    shares_memory: bool,
) -> Result<Vec<String>, tokio_postgres::Error> {
    let columns = row.len().max(fetch.len());
    (0..columns)
        .map(|column| text(row, column, fetch.get(column).copied(), shares_memory))
        .collect()
}

fn text(
    row: &Row,
    column: usize,
    of_type: Option<ColumnType>,
    shares_memory: bool,
) -> Result<String, tokio_postgres::Error> {
    match of_type {
        Some(ColumnType::Int2) => read(row, column, |value: i16| value.to_string()),
        Some(ColumnType::Int4) => read(row, column, |value: i32| value.to_string()),
        Some(ColumnType::Int8) => read(row, column, |value: i64| value.to_string()),
        Some(ColumnType::Float4) => read(row, column, |value: f32| value.to_string()),
        Some(ColumnType::Float8) => read(row, column, |value: f64| value.to_string()),
        Some(ColumnType::Bool) => read(row, column, |value: bool| value.to_string()),
        Some(ColumnType::Bytea) => read(row, column, |value: Vec<u8>| hex(&value)),
        Some(ColumnType::Text) => read(row, column, |value: String| value),
        Some(ColumnType::Timestamp | ColumnType::Timestamptz) => {
            read(row, column, |value: SystemTime| {
                match value.duration_since(SystemTime::UNIX_EPOCH) {
                    Ok(since) => format!("{since:?}"),
                    Err(before) => format!("-{:?}", before.duration()),
                }
            })
        }
        Some(ColumnType::Uuid) => read(row, column, |value: uuid::Uuid| value.to_string()),
        Some(ColumnType::Json | ColumnType::Jsonb) => {
            read(row, column, |value: serde_json::Value| value.to_string())
        }
        Some(ColumnType::Int4Array) if shares_memory => {
            read(row, column, |Elements(value): Elements<i32>| format!("{value:?}"))
        }
        Some(ColumnType::TextArray) if shares_memory => {
            read(row, column, |Elements(value): Elements<String>| format!("{value:?}"))
        }
        Some(ColumnType::Int4Array) => {
            read(row, column, |value: Vec<Option<i32>>| format!("{value:?}"))
        }
        Some(ColumnType::TextArray) => {
            read(row, column, |value: Vec<Option<String>>| format!("{value:?}"))
        }
        Some(ColumnType::Hstore) if shares_memory => {
            read(row, column, |Pairs(value)| format!("{value:?}"))
        }
        Some(ColumnType::Hstore) => read(row, column, |value: HashMap<String, Option<String>>| {
            format!("{:?}", value.into_iter().collect::<BTreeMap<_, _>>())
        }),
        // tokio-postgres has no type of its own for numeric and date.
        _ => read(row, column, |Raw(bytes)| hex(&bytes)),
    }
}

fn read<'a, T: FromSql<'a>>(
    row: &'a Row,
    column: usize,
    text: impl FnOnce(T) -> String,
) -> Result<String, tokio_postgres::Error> {
    let value: Option<T> = row.try_get(column)?;
    Ok(value.map_or_else(|| "NULL".to_owned(), text))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An array's elements, read one by one.
struct Elements<T>(Vec<Option<T>>);

impl<'a, T: FromSql<'a>> FromSql<'a> for Elements<T> {
    fn from_sql(of_type: &Type, bytes: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let Kind::Array(member) = of_type.kind() else { return Err("no array".into()) };
        let mut values = array_from_sql(bytes)?.values();
        let mut elements = Vec::new();
        while let Some(value) = values.next()? {
            elements.push(value.map(|value| T::from_sql(member, value)).transpose()?);
        }
        Ok(Self(elements))
    }

    fn accepts(of_type: &Type) -> bool {
        matches!(of_type.kind(), Kind::Array(member) if T::accepts(member))
    }
}

/// Keys and values of hstore, read one by one.
struct Pairs(BTreeMap<String, Option<String>>);

impl<'a> FromSql<'a> for Pairs {
    fn from_sql(_: &Type, bytes: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let mut entries = hstore_from_sql(bytes)?;
        let mut pairs = BTreeMap::new();
        while let Some((key, value)) = entries.next()? {
            pairs.insert(key.to_owned(), value.map(str::to_owned));
        }
        Ok(Self(pairs))
    }

    fn accepts(of_type: &Type) -> bool {
        of_type.name() == "hstore"
    }
}

/// A value's bytes, whatever its type.
struct Raw(Vec<u8>);

impl<'a> FromSql<'a> for Raw {
    fn from_sql(_: &Type, bytes: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(bytes.to_vec()))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
