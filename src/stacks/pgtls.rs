//! Our connector, on either backend.

use std::time::Duration;

use pgtls_conformance::shim::{CONTRACT, Connect, FollowUp, Hello, Outcome, Supports};
use pgtls_connector::{Backend, Config, Connector};

use super::{
    locked_version,
    serve::failed,
    tokio_postgres::{Tls, close, query},
};

pub(super) fn hello(tls: Tls) -> Hello {
    let list = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    Hello {
        contract: CONTRACT,
        name: "pgtls-connector".to_owned(),
        version: locked_version("pgtls-connector"),
        tls: match tls {
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
            sslnegotiation: list(&["postgres", "direct"]),
            sslrootcert: list(&["file", "system"]),
            channel_binding: list(&["prefer", "disable", "require"]),
            hostaddr: true,
            sslcert: true,
            // native-tls has no way to give one, so the connector refuses it.
            sslcrl: tls == Tls::Rustls,
            cancel: true,
        },
        libpq: None,
    }
}

fn backend(tls: Tls) -> Backend {
    match tls {
        Tls::Rustls => Backend::rustls(),
        Tls::Native => Backend::native_tls(),
    }
}

pub(super) async fn connect(tls: Tls, request: &Connect) -> Outcome {
    let connector = match config(request).and_then(|config| Connector::from_config(&config)) {
        Ok(connector) => connector.with_backend(backend(tls)),
        Err(error) => return failed("configuration", &error),
    };
    let (client, connection) = match connector.connect().await {
        Ok(connected) => connected,
        Err(error) => return failed(format!("{:?}", error.phase()), &error),
    };
    let encrypted = connection.is_encrypted();
    let cancel = connection.cancel_token();
    let connection = tokio::spawn(async move {
        // What ends it shows in the query's result.
        let _ = connection.await;
    });
    let outcome = match query(&client, &request.query).await {
        Outcome::Connected { rows, .. } => Outcome::Connected { tls: Some(encrypted), rows },
        failed => failed,
    };
    if request.then == Some(FollowUp::Cancel)
        && let Err(error) = cancel.cancel_within(Duration::from_millis(request.timeout_ms)).await
    {
        tracing::warn!(%error, "the cancel request failed");
    }
    close(client, connection).await;
    outcome
}

fn config(request: &Connect) -> Result<Config, pgtls_connector::Error> {
    request.settings().try_fold(Config::new(), |config, (key, value)| config.set(key, value))
}
