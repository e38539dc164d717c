//! A connector of the tests' own, as a driver in this process: a right one, or one that is broken on
//! purpose in one way.
//!
//! It shares no code with what it tests. | module | holds |: [`fault`] what may be broken,
//! [`settings`] what is asked for, [`attempts`] the order of methods, [`wire`] the channel and its
//! messages, [`trust`] the handshake, [`login`] and [`scram`] who we are, [`session`] the query.

mod attempts;
mod fault;
mod login;
mod scram;
mod session;
mod settings;
mod trust;
mod wire;

use std::{io, time::Duration};

use pgtls_conformance::{
    Written,
    runner::{Driver, Network},
    shim::{Connect, FollowUp, Hello, Outcome, Supports},
};

pub(crate) use self::fault::Fault;
use self::{attempts::Attempts, settings::Settings, wire::Connection};

/// How long a session may take once it has begun: the connect timeout bounds it no more.
const SESSION: Duration = Duration::from_secs(2);

/// As often as a storm tries again.
const STORM: usize = 20;

/// The connector.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client {
    fault: Option<Fault>,
}

impl Client {
    /// One that does everything right.
    pub(crate) const fn right() -> Self {
        Self { fault: None }
    }

    /// One that is broken in this way, and right in every other.
    pub(crate) const fn broken(fault: Fault) -> Self {
        Self { fault: Some(fault) }
    }
}

impl Driver for Client {
    fn hello(&self) -> Hello {
        let supports = Supports {
            sslmode: Supports::all_modes(),
            sslnegotiation: Written::read_all(&["postgres", "direct"]),
            sslrootcert: Written::read_all(&["file"]),
            channel_binding: Written::read_all(&["prefer", "disable", "require"]),
            hostaddr: true,
            cancel: true,
            ..Supports::default()
        };
        Hello { tls: "rustls".to_owned(), supports, ..Hello::new("test-connector", "1") }
    }

    async fn connect(&self, request: &Connect, network: &Network) -> Outcome {
        match self.call(request, network).await {
            Ok((tls, rows)) => {
                Outcome::Connected { tls: Some(tls || self.fault == Some(Fault::ClaimsTls)), rows }
            }
            Err(text) => Outcome::failed("TestConnectorError", &io::Error::other(text)),
        }
    }
}

type Rows = Vec<Vec<String>>;

impl Client {
    /// Connects, asks, cancels if wanted, and leaves; tells whether that was over TLS.
    async fn call(&self, request: &Connect, network: &Network) -> Result<(bool, Rows), String> {
        let settings = Settings::of(request, self.fault)?;
        let mut tries = if settings.has(Fault::Storms) { STORM } else { 1 };
        let (mut connection, key) = loop {
            tries -= 1;
            match connect(&settings, network).await {
                Err(_) if tries > 0 => {}
                done => break done?,
            }
        };
        let asked = tokio::time::timeout(SESSION, async {
            let rows = session::query(&mut connection, &settings.query).await?;
            if request.then == Some(FollowUp::Cancel) {
                // What comes of it is for the server to tell.
                let _ = cancel(&settings, network, connection.is_encrypted(), &key).await;
            }
            Ok(rows)
        });
        let rows = asked.await.unwrap_or_else(|_| Err("the query timed out".to_owned()));
        let tls = connection.is_encrypted();
        session::leave(connection).await;
        Ok((tls, rows?))
    }
}

/// Connects and logs in, within the timeout; tells the key for a cancel request.
async fn connect(settings: &Settings, network: &Network) -> Result<(Connection, Vec<u8>), String> {
    let connecting = async {
        let mut attempts = Attempts::of(settings, network);
        while let Some(mut connection) = attempts.next().await {
            match login::log_in(&mut connection, settings).await {
                Ok(key) => return Ok((connection, key)),
                Err(failure) => attempts.failed(failure),
            }
        }
        Err(attempts.reasons())
    };
    if settings.has(Fault::HasNoTimeout) {
        return connecting.await;
    }
    let timeout = tokio::time::timeout(settings.timeout, connecting);
    timeout.await.unwrap_or_else(|_| Err("timeout expired".to_owned()))
}

/// Asks the server to stop what the session is doing.
async fn cancel(
    settings: &Settings,
    network: &Network,
    encrypted: bool,
    key: &[u8],
) -> Result<(), String> {
    let mut attempts = Attempts::like_the_session(encrypted, settings, network);
    let opened = if settings.has(Fault::CancelsInClear) {
        Connection::open(settings, network).await.ok()
    } else {
        attempts.next().await
    };
    let mut connection = opened.ok_or_else(|| attempts.reasons())?;
    connection.send(&login::cancel_request(key)).await?;
    connection.drain().await;
    Ok(())
}
