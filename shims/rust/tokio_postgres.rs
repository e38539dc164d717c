//! tokio-postgres, whichever TLS library it is built with.

use std::{collections::HashMap, error::Error, fmt::Debug, time::Duration};

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use pgtls_shim::{ColumnType, Hello, Refusal, Request, Rows, Supports, text};
use rust_decimal::Decimal;
use serde_json::Value;
use tokio_postgres::{
    Client, Config, Row, SimpleQueryMessage, Socket,
    tls::{MakeTlsConnect, TlsConnect},
    types::FromSql,
};
use uuid::Uuid;

/// The TLS library of this build.
pub(crate) struct Tls<F> {
    /// Its name and version.
    pub(crate) name: String,
    /// Whether it takes a revocation list.
    pub(crate) sslcrl: bool,
    /// The connector that an application would build, with the files that a request names.
    pub(crate) connector: F,
}

/// Answers questions until stdin ends.
pub(crate) fn serve<T, F>(version: String, tls: Tls<F>)
where
    T: MakeTlsConnect<Socket, Stream: Send + 'static, TlsConnect: TlsConnect<Socket, Future: Send>>
        + Clone,
    F: Fn(&Request) -> Result<T, Box<dyn Error>> + Sync,
{
    let hello = Hello {
        name: "tokio-postgres",
        version,
        tls: tls.name,
        libpq: None,
        supports: Supports {
            sslmode: vec!["disable", "prefer", "require"],
            // An early release is asked what it knows.
            sslnegotiation: match "sslnegotiation=direct".parse::<Config>() {
                Ok(_) => vec!["postgres", "direct"],
                Err(_) => vec!["postgres"],
            },
            // Trust is the TLS connector's: no setting that libpq's `system` could be held against.
            sslrootcert: vec!["file"],
            channel_binding: vec!["prefer", "disable", "require"],
            hostaddr: true,
            sslcert: true,
            sslcrl: tls.sslcrl,
            cancel: true,
        },
    };
    pgtls_shim::serve(&hello, || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let connector = &tls.connector;
        Ok(move |request: &Request| {
            let config = config(request)?;
            let tls =
                connector(request).map_err(|error| Refusal::failed("configuration", &*error))?;
            runtime.block_on(connect(&config, tls, request)).map_err(|error| failed(&error))
        })
    });
}

fn config(request: &Request) -> Result<Config, Refusal> {
    let words = [
        ("sslmode", &request.sslmode),
        ("sslnegotiation", &request.sslnegotiation),
        ("channel_binding", &request.channel_binding),
    ];
    let words =
        words.into_iter().filter_map(|(key, word)| Some(format!("{key}={}", word.as_ref()?)));
    let mut config: Config =
        words.collect::<Vec<_>>().join(" ").parse().map_err(|error| failed(&error))?;
    config
        .host(&request.host)
        .port(request.port)
        .user(&request.user)
        .password(&request.password)
        .dbname(&request.dbname)
        .connect_timeout(Duration::from_millis(request.timeout_ms));
    if let Some(address) = &request.hostaddr {
        config.hostaddr(address.parse().map_err(|error| Refusal::failed("configuration", &error))?);
    }
    Ok(config)
}

async fn connect<T>(
    config: &Config,
    tls: T,
    request: &Request,
) -> Result<Rows, tokio_postgres::Error>
where
    T: MakeTlsConnect<Socket, Stream: Send + 'static> + Clone,
{
    let (client, connection) = config.connect(tls.clone()).await?;
    let session = async {
        let rows = if request.fetch.is_empty() {
            query(&client, &request.query).await
        } else {
            fetch(&client, request).await
        };
        if rows.is_ok()
            && request.cancels()
            && let Err(error) = client.cancel_token().cancel_query(tls).await
        {
            // The query has succeeded: a cancel that fails does not undo that.
            eprintln!("cancel: {error}");
        }
        // With its client gone, the connection says goodbye and ends.
        drop(client);
        rows
    };
    // What ends the connection early shows in the query's result.
    let (rows, _) = tokio::join!(session, connection);
    rows
}

async fn query(client: &Client, query: &str) -> Result<Rows, tokio_postgres::Error> {
    let messages = client.simple_query(query).await?;
    let rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    Ok(rows
        .map(|row| {
            (0..row.len()).map(|column| row.get(column).unwrap_or_default().to_owned()).collect()
        })
        .collect())
}

async fn fetch(client: &Client, request: &Request) -> Result<Rows, tokio_postgres::Error> {
    let rows = client.query(&request.query, &[]).await?;
    let columns = || request.fetch.iter().enumerate();
    rows.iter()
        .map(|row| columns().map(|(index, column)| read(row, index, *column)).collect())
        .collect()
}

fn read(row: &Row, index: usize, column: ColumnType) -> Result<String, tokio_postgres::Error> {
    fn natural<'r, T>(row: &'r Row, index: usize) -> Result<String, tokio_postgres::Error>
    where
        T: FromSql<'r> + Debug,
    {
        Ok(text(row.try_get::<_, Option<T>>(index)?))
    }

    match column {
        ColumnType::Int2 => natural::<i16>(row, index),
        ColumnType::Int4 => natural::<i32>(row, index),
        ColumnType::Int8 => natural::<i64>(row, index),
        ColumnType::Float4 => natural::<f32>(row, index),
        ColumnType::Float8 => natural::<f64>(row, index),
        ColumnType::Numeric => natural::<Decimal>(row, index),
        ColumnType::Bool => natural::<bool>(row, index),
        ColumnType::Bytea => natural::<Vec<u8>>(row, index),
        ColumnType::Text => natural::<String>(row, index),
        ColumnType::Timestamp => natural::<NaiveDateTime>(row, index),
        ColumnType::Timestamptz => natural::<DateTime<Utc>>(row, index),
        ColumnType::Date => natural::<NaiveDate>(row, index),
        ColumnType::Uuid => natural::<Uuid>(row, index),
        ColumnType::Json | ColumnType::Jsonb => natural::<Value>(row, index),
        ColumnType::Int4Array => natural::<Vec<Option<i32>>>(row, index),
        ColumnType::TextArray => natural::<Vec<Option<String>>>(row, index),
        ColumnType::Hstore => natural::<HashMap<String, Option<String>>>(row, index),
    }
}

fn failed(error: &tokio_postgres::Error) -> Refusal {
    Refusal::failed(error.code().map_or("tokio_postgres::Error", |state| state.code()), error)
}
