//! The entry: settings that were checked, a TLS library and a dialer.

use std::str::FromStr;
use std::sync::Arc;

use tokio_postgres::Client;

use crate::cancel::CancelToken;
use crate::config::{Config, Settings, SslMode};
use crate::connection::Connection;
use crate::dial::Dial;
use crate::error::{Attempt, Cause, Error, Phase};
use crate::hosts::Hosts;
use crate::route::no_backend;
use crate::tcp::Tcp;
use crate::tls::Backend;
use crate::wait::within;

/// Connects as libpq would.
///
/// It holds checked settings and no connection; clone it freely, and call [`connect`](Connector::connect) as often
/// as you like. Files (the root file, the client certificate) are read anew at every connection, the system's store at
/// most once a minute; the TLS library's configuration is built anew only where they have changed. Connectors that
/// are given clones of one [`Backend`] share those configurations.
#[derive(Clone)]
#[must_use = "a connector connects nothing until `connect` is called"]
pub struct Connector {
    settings: Arc<Settings>,
    backend: Option<Backend>,
    dialer: Arc<dyn Dial>,
}

impl Connector {
    /// From a `postgres://` URL, or a `key=value` string as libpq takes it.
    ///
    /// # Errors
    /// Of the configuration only: an unknown or unsupported parameter, a value that is none, a combination that
    /// libpq refuses before it connects.
    pub fn from_url(text: &str) -> Result<Connector, Error> {
        Connector::from_config(&Config::from_str(text)?)
    }

    /// From settings.
    ///
    /// # Errors
    /// As for [`from_url`](Connector::from_url).
    pub fn from_config(config: &Config) -> Result<Connector, Error> {
        let settings = Settings::resolve(config)?;
        Ok(Connector {
            dialer: Arc::new(Tcp::new(settings.tcp.clone())),
            settings: Arc::new(settings),
            backend: Backend::by_default(),
        })
    }

    /// Chooses the TLS library; otherwise it is rustls where that is compiled in.
    pub fn with_backend(mut self, backend: Backend) -> Connector {
        self.backend = Some(backend);
        self
    }

    /// Opens every connection by this dialer, those of retries and cancel requests too, in place of TCP and Unix sockets.
    /// The parameters for TCP (`keepalives`, `tcp_user_timeout` and the like) are then without effect.
    pub fn with_dialer(mut self, dialer: Arc<dyn Dial>) -> Connector {
        self.dialer = dialer;
        self
    }

    /// The mode that holds, defaults included.
    pub fn ssl_mode(&self) -> SslMode {
        self.settings.mode
    }

    /// Connects: tries hosts, addresses and methods in libpq's order, until one session stands.
    ///
    /// Dropping the future gives up at once. Without `connect_timeout` it may wait as long as the server does.
    ///
    /// # Errors
    /// Every attempt that was made, and why it failed.
    pub async fn connect(&self) -> Result<(Client, Connection), Error> {
        self.check().await?;
        let (settings, backend, dialer) = (&self.settings, self.backend.as_ref(), &self.dialer);
        Hosts { settings, backend, dialer }.connect().await
    }

    /// Connects, and spawns the connection onto the current tokio runtime, where an error that ends it is logged.
    ///
    /// # Errors
    /// As for [`connect`](Connector::connect).
    pub async fn connect_and_spawn(&self) -> Result<(Client, CancelToken), Error> {
        let (client, connection) = self.connect().await?;
        let cancel = connection.cancel_token();
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::error!(error = &error as &dyn std::error::Error, "the connection ended");
            }
        });
        Ok((client, cancel))
    }

    /// Refuses, before anything is sent, what the backend cannot honour; where nothing is to be encrypted, there is no
    /// such thing. Where it looks at files, it has a timeout, as long as an address has.
    async fn check(&self) -> Result<(), Error> {
        let by_network = self.settings.targets.iter().any(|target| target.socket_path().is_none());
        if self.settings.mode == SslMode::Disable || !by_network {
            return Ok(());
        }
        let Some(backend) = self.backend.clone() else {
            return Err(Error::configuration(no_backend().to_string()));
        };
        if !backend.checks_files(&self.settings) {
            return backend.check(&self.settings).map_err(Error::configuration);
        }
        let settings = Arc::clone(&self.settings);
        let checked = tokio::task::spawn_blocking(move || backend.check(&settings));
        let failed = |cause: Cause| Error::one(Attempt::new(None, true, Phase::Credentials, cause));
        within(self.settings.timeout, checked)
            .await
            .map_err(|fault| failed(fault.into()))?
            .map_err(|error| failed(error.into()))?
            .map_err(Error::configuration)
    }
}

/// Says what it goes by, without secrets.
impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connector")
            .field("endpoints", &self.settings.targets)
            .field("mode", &self.settings.mode)
            .field("backend", &self.backend)
            .finish_non_exhaustive()
    }
}
