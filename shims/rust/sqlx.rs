//! sqlx's PostgreSQL driver, whichever TLS library it is built with.

use std::fmt::Debug;

use pgtls_shim::{ColumnType, Hello, Refusal, Request, Rows, SSLMODES, Supports, text, variant};
use sqlx::{
    Connection as _, Decode, Error, Postgres, Row as _, Type,
    postgres::{PgConnectOptions, PgConnection, PgRow, PgSslMode},
    types::{
        BigDecimal, JsonValue, Uuid,
        chrono::{DateTime, NaiveDate, NaiveDateTime, Utc},
    },
};

/// The TLS library of this build.
pub(crate) struct Tls {
    /// Its name and version.
    pub(crate) name: String,
    /// Whether it trusts the system store where no root file is named.
    pub(crate) system_store: bool,
}

pub(crate) fn serve(version: String, tls: Tls) {
    let hello = Hello {
        name: "sqlx",
        version,
        tls: tls.name,
        libpq: None,
        supports: Supports {
            sslmode: SSLMODES.to_vec(),
            sslnegotiation: vec!["postgres"],
            sslrootcert: if tls.system_store { vec!["file", "system"] } else { vec!["file"] },
            channel_binding: vec!["prefer"],
            // It has an option of that name, which takes the place of the host, to be verified too.
            hostaddr: false,
            sslcert: true,
            sslcrl: false,
            cancel: false,
        },
    };
    pgtls_shim::serve(&hello, || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(move |request: &Request| {
            let options = options(request)?;
            runtime.block_on(query(&options, request)).map_err(|error| failed(&error))
        })
    });
}

/// The request as an application would set it. sqlx offers no connect timeout but its pool's.
fn options(request: &Request) -> Result<PgConnectOptions, Refusal> {
    let mut options = PgConnectOptions::new()
        .host(&request.host)
        .port(request.port)
        .username(&request.user)
        .password(&request.password)
        .database(&request.dbname);
    if let Some(mode) = &request.sslmode {
        options = options.ssl_mode(mode.parse::<PgSslMode>().map_err(|error| failed(&error))?);
    }
    match request.sslrootcert.as_deref() {
        None => {}
        // What the store is trusted for here, without being asked to, is verify-full.
        Some("system") if request.sslmode.as_deref() == Some("verify-full") => {}
        Some("system") => {
            return Err(Refusal::Unsupported(
                "sslrootcert=system is verify-full without a root file".to_owned(),
            ));
        }
        Some(path) => options = options.ssl_root_cert(path),
    }
    if let Some(path) = &request.sslcert {
        options = options.ssl_client_cert(path);
    }
    if let Some(path) = &request.sslkey {
        options = options.ssl_client_key(path);
    }
    Ok(options)
}

async fn query(options: &PgConnectOptions, request: &Request) -> Result<Rows, Error> {
    let mut connection = PgConnection::connect_with(options).await?;
    // Every release takes a query that lives for ever, and no two agree on any other.
    let query: &'static str = request.query.clone().leak();
    let rows = sqlx::query(query).fetch_all(&mut connection).await?;
    // The number alone is read where nothing else is asked for.
    let columns = if request.fetch.is_empty() { &[ColumnType::Int4] } else { &*request.fetch };
    let rows = rows
        .iter()
        .map(|row| {
            columns.iter().enumerate().map(|(index, column)| read(row, index, *column)).collect()
        })
        .collect();
    if let Err(error) = connection.close().await {
        // The rows are there: a goodbye that fails does not undo that.
        eprintln!("close: {error}");
    }
    rows
}

fn read(row: &PgRow, index: usize, column: ColumnType) -> Result<String, Error> {
    fn natural<'r, T>(row: &'r PgRow, index: usize) -> Result<String, Error>
    where
        T: Decode<'r, Postgres> + Type<Postgres> + Debug,
    {
        Ok(text(row.try_get::<Option<T>, _>(index)?))
    }

    match column {
        ColumnType::Int2 => natural::<i16>(row, index),
        ColumnType::Int4 => natural::<i32>(row, index),
        ColumnType::Int8 => natural::<i64>(row, index),
        ColumnType::Float4 => natural::<f32>(row, index),
        ColumnType::Float8 => natural::<f64>(row, index),
        ColumnType::Numeric => natural::<BigDecimal>(row, index),
        ColumnType::Bool => natural::<bool>(row, index),
        ColumnType::Bytea => natural::<Vec<u8>>(row, index),
        ColumnType::Text => natural::<String>(row, index),
        ColumnType::Timestamp => natural::<NaiveDateTime>(row, index),
        ColumnType::Timestamptz => natural::<DateTime<Utc>>(row, index),
        ColumnType::Date => natural::<NaiveDate>(row, index),
        ColumnType::Uuid => natural::<Uuid>(row, index),
        ColumnType::Json | ColumnType::Jsonb => natural::<JsonValue>(row, index),
        ColumnType::Int4Array => natural::<Vec<Option<i32>>>(row, index),
        ColumnType::TextArray => natural::<Vec<Option<String>>>(row, index),
        #[cfg(hstore)]
        ColumnType::Hstore => natural::<sqlx::postgres::types::PgHstore>(row, index),
        #[cfg(not(hstore))]
        ColumnType::Hstore => Ok(text(row.try_get_unchecked::<Option<Vec<u8>>, _>(index)?)),
    }
}

fn failed(error: &Error) -> Refusal {
    let state = error.as_database_error().and_then(|error| error.code());
    Refusal::failed(state.map_or_else(|| variant(error), |state| state.into_owned()), error)
}
