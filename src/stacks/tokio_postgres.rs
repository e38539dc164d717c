//! tokio-postgres as released, with the TLS connectors that people use it with.

use std::time::Duration;

use pgtls_conformance::{
    Written,
    runner::{Driver, Network, Stream},
    shim::{Connect, FollowUp, Hello, Outcome, Supports},
};
use tokio_postgres::{
    Config, Socket,
    config::{ChannelBinding, SslMode, SslNegotiation},
    tls::{MakeTlsConnect, TlsConnect},
};

use super::{
    locked::locked_version,
    query::{class, close, query, spawn},
    tls::{Failure, Tls, native_connector, rustls_connector},
};

/// tokio-postgres on one TLS library.
#[derive(Debug)]
pub(super) struct TokioPostgres(pub(super) Tls);

impl Driver for TokioPostgres {
    fn hello(&self) -> Hello {
        let version = |package: &str| format!("{package} {}", locked_version(package));
        Hello {
            tls: match self.0 {
                Tls::Rustls => {
                    format!("{}, {}", version("tokio-postgres-rustls"), version("rustls"))
                }
                Tls::Native => {
                    format!("{}, {}", version("postgres-native-tls"), openssl::version::version())
                }
            },
            supports: Supports {
                sslmode: Written::read_all(&["disable", "prefer", "require"]),
                sslnegotiation: Written::read_all(&["postgres", "direct"]),
                // Trust is the TLS connector's; the system store is what it has when nothing is said,
                // and no setting that libpq's `system` could be held against.
                sslrootcert: Written::read_all(&["file"]),
                channel_binding: Written::read_all(&["prefer", "disable", "require"]),
                hostaddr: true,
                sslcert: true,
                // native-tls has no way to give one.
                sslcrl: self.0 == Tls::Rustls,
                cancel: true,
                ..Supports::default()
            },
            ..Hello::new("tokio-postgres", locked_version("tokio-postgres"))
        }
    }

    async fn connect(&self, request: &Connect, network: &Network) -> Outcome {
        let config = match config(request) {
            Ok(config) => config,
            Err(reason) => return Outcome::unsupported(reason),
        };
        match self.0 {
            Tls::Rustls => match rustls_connector(request, network) {
                Ok(tls) => with(&config, tls, request, network).await,
                Err(error) => Outcome::failed("configuration", &*error),
            },
            Tls::Native => match native_connector(request, network) {
                Ok(tls) => with(&config, tls, request, network).await,
                Err(error) => Outcome::failed("configuration", &*error),
            },
        }
    }
}

fn config(request: &Connect) -> Result<Config, String> {
    if request.sslrootcert.as_deref() == Some("system") {
        return Err("no sslrootcert=system".to_owned());
    }
    let mut config = Config::new();
    config
        .host(&request.host)
        .port(request.port)
        .user(&request.user)
        .password(&request.password)
        .dbname(&request.dbname)
        .connect_timeout(Duration::from_millis(request.timeout_ms));
    if let Some(address) = &request.hostaddr {
        config.hostaddr(address.parse().map_err(|_| format!("no address: {address}"))?);
    }
    match request.sslmode.as_deref() {
        None => {}
        Some("disable") => drop(config.ssl_mode(SslMode::Disable)),
        Some("prefer") => drop(config.ssl_mode(SslMode::Prefer)),
        Some("require") => drop(config.ssl_mode(SslMode::Require)),
        Some(mode) => return Err(format!("no sslmode={mode}")),
    }
    match request.sslnegotiation.as_deref() {
        None | Some("postgres") => {}
        Some("direct") => drop(config.ssl_negotiation(SslNegotiation::Direct)),
        Some(other) => return Err(format!("no sslnegotiation={other}")),
    }
    match request.channel_binding.as_deref() {
        None | Some("prefer") => {}
        Some("disable") => drop(config.channel_binding(ChannelBinding::Disable)),
        Some("require") => drop(config.channel_binding(ChannelBinding::Require)),
        Some(other) => return Err(format!("no channel_binding={other}")),
    }
    Ok(config)
}

/// Over sockets that the driver opens by itself, as applications have it, or over what there is in
/// their place.
async fn with<T>(config: &Config, tls: T, request: &Connect, network: &Network) -> Outcome
where
    T: Secures<Socket> + Secures<Stream>,
{
    if network.is_in_memory() {
        over_streams(config, tls, request, network).await
    } else {
        over_sockets(config, tls, request).await
    }
}

/// What makes TLS over such a stream, whichever thread goes on with it.
trait Secures<S>:
    MakeTlsConnect<S, Stream: Send + 'static, TlsConnect: Send + TlsConnect<S, Future: Send>>
    + Clone
    + Send
{
}

impl<S, T> Secures<S> for T where
    T: MakeTlsConnect<S, Stream: Send + 'static, TlsConnect: Send + TlsConnect<S, Future: Send>>
        + Clone
        + Send
{
}

async fn over_sockets<T: Secures<Socket>>(config: &Config, tls: T, request: &Connect) -> Outcome {
    let (client, connection) = match config.connect(tls.clone()).await {
        Ok(connected) => connected,
        Err(error) => return Outcome::failed(class(&error), &error),
    };
    let connection = spawn(connection);
    let outcome = query(&client, request, &Network::tcp(request)).await;
    if request.then == Some(FollowUp::Cancel) {
        warn(client.cancel_token().cancel_query(tls).await);
    }
    close(client, connection).await;
    outcome
}

/// The same as far as tokio-postgres does it by itself.
async fn over_streams<T: Secures<Stream>>(
    config: &Config,
    mut tls: T,
    request: &Connect,
    network: &Network,
) -> Outcome {
    let connected = async {
        let stream = network.dial().await?;
        let tls = tls.make_tls_connect(&request.host).map_err(Into::into)?;
        Ok::<_, Failure>(config.connect_raw(stream, tls).await?)
    };
    let (client, connection) = match connected.await {
        Ok(connected) => connected,
        Err(error) => return Outcome::failed(class(&*error), &*error),
    };
    let connection = spawn(connection);
    let outcome = query(&client, request, network).await;
    if request.then == Some(FollowUp::Cancel) {
        let token = client.cancel_token();
        let cancelled = async {
            let stream = network.dial().await?;
            let tls = tls.make_tls_connect(&request.host).map_err(Into::into)?;
            Ok::<_, Failure>(token.cancel_query_raw(stream, tls).await?)
        };
        warn(cancelled.await);
    }
    close(client, connection).await;
    outcome
}

fn warn<E: Into<Failure>>(cancelled: Result<(), E>) {
    if let Err(error) = cancelled {
        tracing::warn!(error = %error.into(), "the cancel request failed");
    }
}
