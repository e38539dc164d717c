//! tokio-postgres with postgres-openssl, over the shim contract.
#![forbid(unsafe_code)]

use std::{error::Error, io, time::Duration};

use openssl::{
    ssl::{SslConnector, SslFiletype, SslMethod},
    x509::{store::X509Lookup, verify::X509VerifyFlags},
};
use pgtls_shim::{Hello, Refusal, Request, Rows, Supports, locked};
use postgres_openssl::MakeTlsConnector;
use tokio_postgres::{Client, Config, SimpleQueryMessage};

const LOCK: &str = include_str!("../Cargo.lock");

fn main() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let openssl: Vec<_> = openssl::version::version().split_whitespace().take(2).collect();
    let hello = Hello {
        name: "tokio-postgres",
        version: locked(LOCK, "tokio-postgres"),
        tls: format!(
            "postgres-openssl {}, {}",
            locked(LOCK, "postgres-openssl"),
            openssl.join(" ")
        ),
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
            sslcrl: true,
            cancel: true,
        },
    };
    pgtls_shim::serve(&hello, |request| {
        let config = config(request)?;
        let tls = connector(request).map_err(|error| Refusal::failed("configuration", &*error))?;
        runtime.block_on(connect(&config, tls, request)).map_err(|error| failed(&error))
    })
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

/// The connector of the crate's documentation, with the files that the request names. It starts
/// from OpenSSL's default paths, the system store.
fn connector(request: &Request) -> Result<MakeTlsConnector, Box<dyn Error>> {
    let mut builder = SslConnector::builder(SslMethod::tls())?;
    if let Some(path) = &request.sslrootcert {
        builder.set_ca_file(path)?;
    }
    if let Some(path) = &request.sslcrl {
        builder
            .cert_store_mut()
            .add_lookup(X509Lookup::file())?
            .load_crl_file(path, SslFiletype::PEM)?;
        builder
            .verify_param_mut()
            .set_flags(X509VerifyFlags::CRL_CHECK | X509VerifyFlags::CRL_CHECK_ALL)?;
    }
    if let Some(path) = &request.sslcert {
        builder.set_certificate_chain_file(path)?;
    }
    if let Some(path) = &request.sslkey {
        builder.set_private_key_file(path, SslFiletype::PEM)?;
    }
    if request.sslnegotiation.as_deref() == Some("direct") {
        postgres_openssl::set_postgresql_alpn(&mut builder)?;
    }
    Ok(MakeTlsConnector::new(builder.build()))
}

async fn connect(
    config: &Config,
    tls: MakeTlsConnector,
    request: &Request,
) -> Result<Rows, tokio_postgres::Error> {
    let (client, connection) = config.connect(tls.clone()).await?;
    let session = async {
        let rows = query(&client, &request.query).await;
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

fn failed(error: &tokio_postgres::Error) -> Refusal {
    Refusal::failed(error.code().map_or("tokio_postgres::Error", |state| state.code()), error)
}
