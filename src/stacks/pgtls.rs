//! Our connector, on either backend.

use std::{sync::Arc, time::Duration};

use pgtls_conformance::{
    Written,
    runner::{Driver, Network},
    shim::{Connect, FollowUp, Hello, Outcome, Supports},
};
use pgtls_connector::{
    Backend, Config, Connector, Error,
    dial::{Dial, DialFuture, Endpoint, Transport},
};

use super::{
    locked::locked_version,
    query::{close, query, spawn},
    tls::Tls,
};

/// The connector on one TLS library, whose configurations its connections share.
#[derive(Debug)]
pub(super) struct Pgtls {
    tls: Tls,
    backend: Backend,
}

impl Driver for Pgtls {
    fn hello(&self) -> Hello {
        Hello {
            tls: match self.tls {
                Tls::Native => {
                    format!(
                        "native-tls {}, {}",
                        locked_version("native-tls"),
                        openssl::version::version()
                    )
                }
                Tls::Rustls => format!("rustls {}", locked_version("rustls")),
            },
            supports: Supports {
                sslmode: Supports::all_modes(),
                sslnegotiation: Written::read_all(&["postgres", "direct"]),
                sslrootcert: Written::read_all(&["file", "system"]),
                channel_binding: Written::read_all(&["prefer", "disable", "require"]),
                hostaddr: true,
                sslcert: true,
                // native-tls has no way to give one, so the connector refuses it.
                sslcrl: self.tls == Tls::Rustls,
                cancel: true,
                ..Supports::default()
            },
            ..Hello::new("pgtls-connector", locked_version("pgtls-connector"))
        }
    }

    async fn connect(&self, request: &Connect, network: &Network) -> Outcome {
        let connector = match connector(request, network) {
            Ok(connector) => connector.with_backend(self.backend.clone()),
            Err(error) => return Outcome::failed("configuration", &error),
        };
        let (client, connection) = match connector.connect().await {
            Ok(connected) => connected,
            Err(error) => return Outcome::failed(format!("{:?}", error.phase()), &error),
        };
        let encrypted = connection.is_encrypted();
        let cancel = connection.cancel_token();
        let connection = spawn(connection);
        let timeout = Duration::from_millis(request.timeout_ms);
        // The connector is done with connecting, and tokio-postgres bounds no query: an application does.
        let outcome = match tokio::time::timeout(timeout, query(&client, request, network)).await {
            Ok(Outcome::Connected { rows, .. }) => {
                Outcome::Connected { tls: Some(encrypted), rows }
            }
            Ok(failed) => failed,
            Err(elapsed) => Outcome::failed("query", &elapsed),
        };
        if request.then == Some(FollowUp::Cancel)
            && let Err(error) = cancel.cancel_within(timeout).await
        {
            tracing::debug!(%error, "the cancel request failed");
        }
        close(client, connection).await;
        outcome
    }
}

impl Pgtls {
    pub(super) fn new(tls: Tls) -> Self {
        let backend = match tls {
            Tls::Rustls => Backend::rustls(),
            Tls::Native => Backend::native_tls(),
        };
        Self { tls, backend }
    }
}

fn connector(request: &Connect, network: &Network) -> Result<Connector, Error> {
    let set = |config: Config, (key, value)| config.set(key, value);
    let mut config = request.settings().try_fold(Config::new(), set)?;
    if let Some(file) = network.ssl_cert_file() {
        config = config.system_store([file]);
    }
    let connector = Connector::from_config(&config)?;
    Ok(if network.is_in_memory() {
        connector.with_dialer(Arc::new(InMemory(network.clone())))
    } else {
        connector
    })
}

/// Opens the connector's connections where there are no sockets.
struct InMemory(Network);

impl Dial for InMemory {
    fn dial<'a>(&'a self, _: &'a Endpoint) -> DialFuture<'a, Box<dyn Transport>> {
        Box::pin(async { Ok(Box::new(self.0.dial().await?) as Box<dyn Transport>) })
    }
}
