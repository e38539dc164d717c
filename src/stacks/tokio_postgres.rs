//! tokio-postgres as released, with the TLS connectors that people use it with.

use std::{error::Error, fs, sync::Arc, time::Duration};

use pgtls_conformance::shim::{CONTRACT, Connect, FollowUp, Hello, Outcome, Supports};
use postgres_native_tls::MakeTlsConnector;
use rustls::{ClientConfig, RootCertStore, client::WebPkiServerVerifier, crypto::aws_lc_rs};
use rustls_pki_types::{
    CertificateDer, CertificateRevocationListDer, PrivateKeyDer, pem::PemObject as _,
};
use tokio::task::JoinHandle;
use tokio_postgres::{
    Client, Config, Socket,
    config::{ChannelBinding, SslMode, SslNegotiation},
    tls::MakeTlsConnect,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    locked_version,
    serve::{failed, unsupported},
};

/// How long a connection may take to close once its client is gone.
const FAREWELL: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tls {
    Rustls,
    Native,
}

pub(super) fn hello(tls: Tls) -> Hello {
    let list = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    let version = |package: &str| format!("{package} {}", locked_version(package));
    Hello {
        contract: CONTRACT,
        name: "tokio-postgres".to_owned(),
        version: locked_version("tokio-postgres"),
        tls: match tls {
            Tls::Rustls => format!("{}, {}", version("tokio-postgres-rustls"), version("rustls")),
            Tls::Native => {
                format!("{}, {}", version("postgres-native-tls"), openssl::version::version())
            }
        },
        supports: Supports {
            sslmode: list(&["disable", "prefer", "require"]),
            sslnegotiation: list(&["postgres", "direct"]),
            // Trust is the TLS connector's; the system store is what it has when nothing is said,
            // and no setting that libpq's `system` could be held against.
            sslrootcert: list(&["file"]),
            channel_binding: list(&["prefer", "disable", "require"]),
            hostaddr: true,
            sslcert: true,
            // native-tls has no way to give one.
            sslcrl: tls == Tls::Rustls,
            cancel: true,
        },
        libpq: None,
    }
}

pub(super) async fn connect(tls: Tls, request: &Connect) -> Outcome {
    let config = match config(request) {
        Ok(config) => config,
        Err(reason) => return unsupported(reason),
    };
    match tls {
        Tls::Rustls => match rustls_connector(request) {
            Ok(connector) => with(&config, connector, request).await,
            Err(error) => failed("configuration", &*error),
        },
        Tls::Native => match native_connector(request) {
            Ok(connector) => with(&config, connector, request).await,
            Err(error) => failed("configuration", &*error),
        },
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

type Failure = Box<dyn Error + Send + Sync>;

/// The `ClientConfig` that an application would build: the root file or else the platform's
/// store, and what rustls takes besides.
fn rustls_connector(request: &Connect) -> Result<MakeRustlsConnect, Failure> {
    let mut roots = RootCertStore::empty();
    match request.sslrootcert.as_deref() {
        None => {
            for certificate in rustls_native_certs::load_native_certs().certs {
                roots.add(certificate)?;
            }
        }
        Some(path) => {
            for certificate in CertificateDer::pem_file_iter(path)? {
                roots.add(certificate?)?;
            }
        }
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    let builder = match &request.sslcrl {
        None => builder.with_root_certificates(roots),
        Some(path) => {
            let lists = CertificateRevocationListDer::pem_file_iter(path)?
                .collect::<Result<Vec<_>, _>>()?;
            let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
                .with_crls(lists)
                .build()?;
            builder.with_webpki_verifier(verifier)
        }
    };
    let mut config = match (&request.sslcert, &request.sslkey) {
        (Some(certificate), Some(key)) => {
            let chain =
                CertificateDer::pem_file_iter(certificate)?.collect::<Result<Vec<_>, _>>()?;
            builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_file(key)?)?
        }
        _ => builder.with_no_client_auth(),
    };
    if request.sslnegotiation.as_deref() == Some("direct") {
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(MakeRustlsConnect::new(config))
}

fn native_connector(request: &Connect) -> Result<MakeTlsConnector, Failure> {
    let mut builder = native_tls::TlsConnector::builder();
    if let Some(path) = &request.sslrootcert {
        builder.add_root_certificate(native_tls::Certificate::from_pem(&fs::read(path)?)?);
    }
    if let (Some(certificate), Some(key)) = (&request.sslcert, &request.sslkey) {
        builder
            .identity(native_tls::Identity::from_pkcs8(&fs::read(certificate)?, &fs::read(key)?)?);
    }
    if request.sslnegotiation.as_deref() == Some("direct") {
        postgres_native_tls::set_postgresql_alpn(&mut builder);
    }
    Ok(MakeTlsConnector::new(builder.build()?))
}

async fn with<T>(config: &Config, tls: T, request: &Connect) -> Outcome
where
    T: MakeTlsConnect<Socket> + Clone,
    T::Stream: Send + 'static,
{
    let (client, connection) = match config.connect(tls.clone()).await {
        Ok(connected) => connected,
        Err(error) => return failed(class(&error), &error),
    };
    let connection = tokio::spawn(async move {
        // What ends it shows in the query's result.
        let _ = connection.await;
    });
    let outcome = query(&client, &request.query).await;
    if request.then == Some(FollowUp::Cancel)
        && let Err(error) = client.cancel_token().cancel_query(tls).await
    {
        tracing::warn!(%error, "the cancel request failed");
    }
    close(client, connection).await;
    outcome
}

/// Runs the query by the simple protocol, and tells its rows.
pub(super) async fn query(client: &Client, query: &str) -> Outcome {
    use tokio_postgres::SimpleQueryMessage::Row;
    match client.simple_query(query).await {
        Ok(messages) => Outcome::Connected {
            tls: None,
            rows: messages
                .iter()
                .filter_map(|message| match message {
                    Row(row) => Some(row),
                    _ => None,
                })
                .map(|row| {
                    (0..row.len())
                        .map(|column| row.get(column).unwrap_or_default().to_owned())
                        .collect()
                })
                .collect(),
        },
        Err(error) => failed(class(&error), &error),
    }
}

/// Lets the connection say its goodbye.
pub(super) async fn close(client: Client, mut connection: JoinHandle<()>) {
    drop(client);
    if tokio::time::timeout(FAREWELL, &mut connection).await.is_err() {
        connection.abort();
    }
}

pub(super) fn class(error: &tokio_postgres::Error) -> String {
    match error.code() {
        Some(state) => state.code().to_owned(),
        None => "tokio_postgres::Error".to_owned(),
    }
}
