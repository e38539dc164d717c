//! sqlx's PostgreSQL driver, whichever TLS library it is built with.

use std::io;

use pgtls_shim::{Hello, Refusal, Request, Rows, SSLMODES, Supports, variant};
use sqlx::{
    Connection as _, Error, Row as _,
    postgres::{PgConnectOptions, PgConnection, PgSslMode},
};

/// The TLS library of this build.
pub(crate) struct Tls {
    /// Its name and version.
    pub(crate) name: String,
    /// Whether it trusts the system store where no root file is named.
    pub(crate) system_store: bool,
}

pub(crate) fn serve(version: String, tls: Tls) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
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
    pgtls_shim::serve(&hello, |request| {
        let options = options(request)?;
        runtime.block_on(query(&options, &request.query)).map_err(|error| failed(&error))
    })
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

async fn query(options: &PgConnectOptions, query: &str) -> Result<Rows, Error> {
    let mut connection = PgConnection::connect_with(options).await?;
    // Every release takes a query that lives for ever, and no two agree on any other.
    let query: &'static str = query.to_owned().leak();
    let rows = sqlx::query(query).fetch_all(&mut connection).await?;
    let rows = rows.iter().map(|row| Ok(vec![row.try_get::<i32, _>(0)?.to_string()])).collect();
    if let Err(error) = connection.close().await {
        // The rows are there: a goodbye that fails does not undo that.
        eprintln!("close: {error}");
    }
    rows
}

fn failed(error: &Error) -> Refusal {
    let state = error.as_database_error().and_then(|error| error.code());
    Refusal::failed(state.map_or_else(|| variant(error), |state| state.into_owned()), error)
}
