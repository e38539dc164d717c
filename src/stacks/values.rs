//! Typed columns as an application of tokio-postgres reads them: each as the Rust type that stands for it.

use std::{
    collections::{BTreeMap, HashMap},
    error::Error,
    time::SystemTime,
};

use pgtls_conformance::shim::ColumnType;
use tokio_postgres::{
    Row,
    types::{FromSql, Type},
};

/// A row's values as texts. The columns that were asked for are read as these types, and others that the
/// server may have sent as what they are: bytes.
pub(super) fn texts(row: &Row, fetch: &[ColumnType]) -> Result<Vec<String>, tokio_postgres::Error> {
    let columns = row.len().max(fetch.len());
    (0..columns).map(|column| text(row, column, fetch.get(column).copied())).collect()
}

fn text(
    row: &Row,
    column: usize,
    of_type: Option<ColumnType>,
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
        Some(ColumnType::Int4Array) => {
            read(row, column, |value: Vec<Option<i32>>| format!("{value:?}"))
        }
        Some(ColumnType::TextArray) => {
            read(row, column, |value: Vec<Option<String>>| format!("{value:?}"))
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
