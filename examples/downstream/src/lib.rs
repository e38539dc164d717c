//! A small PostgreSQL driver: one query over one connection, without TLS or with a verified server.
//!
//! What is of interest here are its tests, in `tests/conformance.rs`.

#![forbid(unsafe_code)]

mod tls;
mod wire;

use std::{path::PathBuf, time::Duration};

use tokio::io::{AsyncRead, AsyncWrite};

use crate::wire::Wire;

/// What goes wrong.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// What a connection runs over; how it is opened is the caller's to say.
pub trait Transport: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Transport for T {}

/// Whom to connect to, and how.
#[derive(Debug, Clone)]
pub struct Config {
    /// The name to verify.
    pub host: String,
    /// The user.
    pub user: String,
    /// Its password.
    pub password: String,
    /// The database.
    pub dbname: String,
    /// The authorities of the server, a PEM file: libpq's `verify-full`. Without one there is no TLS.
    pub root: Option<PathBuf>,
    /// How long to connect at the most, and how long to wait for the answer.
    pub timeout: Duration,
}

/// Connects over a stream, runs a query, and leaves: the rows, every value as text.
///
/// # Errors
///
/// If the server cannot be made sure of, refuses the login or the query, or takes too long.
pub async fn query(
    config: &Config,
    stream: impl Transport + 'static,
    query: &str,
) -> Result<Vec<Vec<String>>, Error> {
    let connecting = async {
        let stream: Box<dyn Transport> = match &config.root {
            Some(root) => Box::new(tls::secure(stream, &config.host, root).await?),
            None => Box::new(stream),
        };
        let mut wire = Wire::new(stream);
        wire.log_in(config).await?;
        Ok::<_, Error>(wire)
    };
    let mut wire = tokio::time::timeout(config.timeout, connecting).await??;
    let rows = tokio::time::timeout(config.timeout, wire.query(query)).await?;
    wire.leave().await;
    rows
}
