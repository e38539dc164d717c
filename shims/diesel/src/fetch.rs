//! Columns of types that are known when the query is, and not before.

use std::{cell::RefCell, fmt::Debug};

use bigdecimal::BigDecimal;
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use diesel::{
    PgConnection, QueryResult, RunQueryDsl as _,
    deserialize::{self, FromSql, QueryableByName},
    pg::Pg,
    row::NamedRow,
    sql_query, sql_types as sql,
};
use pgtls_shim::{ColumnType, Request, Rows, text};
use serde_json::Value;
use uuid::Uuid;

thread_local! {
    /// The columns of the query at hand: diesel tells a row nothing but what the server sent.
    static COLUMNS: RefCell<Vec<ColumnType>> = const { RefCell::new(Vec::new()) };
}

/// Runs a request's query by `sql_query`, and reads what it fetches.
pub(crate) fn rows(connection: &mut PgConnection, request: &Request) -> QueryResult<Rows> {
    COLUMNS.set(request.fetch.clone());
    let rows = sql_query(&request.query).load::<Fetched>(connection)?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// A row as texts.
struct Fetched(Vec<String>);

impl QueryableByName<Pg> for Fetched {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> deserialize::Result<Self> {
        let columns = COLUMNS.with_borrow(Clone::clone);
        let texts = columns.into_iter().enumerate().map(|(index, column)| read(row, index, column));
        Ok(Self(texts.collect::<Result<_, _>>()?))
    }
}

fn read<'a>(
    row: &impl NamedRow<'a, Pg>,
    index: usize,
    column: ColumnType,
) -> deserialize::Result<String> {
    match column {
        ColumnType::Int2 => natural::<sql::SmallInt, i16>(row, index),
        ColumnType::Int4 => natural::<sql::Integer, i32>(row, index),
        ColumnType::Int8 => natural::<sql::BigInt, i64>(row, index),
        ColumnType::Float4 => natural::<sql::Float, f32>(row, index),
        ColumnType::Float8 => natural::<sql::Double, f64>(row, index),
        ColumnType::Numeric => natural::<sql::Numeric, BigDecimal>(row, index),
        ColumnType::Bool => natural::<sql::Bool, bool>(row, index),
        // diesel has no hstore: its bytes.
        ColumnType::Bytea | ColumnType::Hstore => natural::<sql::Binary, Vec<u8>>(row, index),
        ColumnType::Text => natural::<sql::Text, String>(row, index),
        ColumnType::Timestamp => natural::<sql::Timestamp, NaiveDateTime>(row, index),
        ColumnType::Timestamptz => natural::<sql::Timestamptz, DateTime<Utc>>(row, index),
        ColumnType::Date => natural::<sql::Date, NaiveDate>(row, index),
        ColumnType::Uuid => natural::<sql::Uuid, Uuid>(row, index),
        ColumnType::Json => natural::<sql::Json, Value>(row, index),
        ColumnType::Jsonb => natural::<sql::Jsonb, Value>(row, index),
        ColumnType::Int4Array => {
            natural::<sql::Array<sql::Nullable<sql::Integer>>, Vec<Option<i32>>>(row, index)
        }
        ColumnType::TextArray => {
            natural::<sql::Array<sql::Nullable<sql::Text>>, Vec<Option<String>>>(row, index)
        }
    }
}

fn natural<'a, ST, T>(row: &impl NamedRow<'a, Pg>, index: usize) -> deserialize::Result<String>
where
    ST: sql::SqlType<IsNull = sql::is_nullable::NotNull>,
    T: FromSql<ST, Pg> + Debug,
{
    Ok(text(row.get_value::<sql::Nullable<ST>, Option<T>, _>(index)?))
}
