//! A session as an application has it: connect, log in by password, ask once, leave.

use pgtls_mock_server::MockServer;
use tokio_postgres::{Config, Socket, config::SslMode, tls::MakeTlsConnect};

use super::query::ask_and_leave;

/// Where the server is and how to log in, with cleartext `password` authentication: the server's default.
pub(crate) fn config(server: &MockServer, mode: SslMode) -> Config {
    let address = server.address();
    let mut config = Config::new();
    config
        .host("localhost")
        .hostaddr(address.ip())
        .port(address.port())
        .user("any")
        .password(server.password())
        .dbname("postgres")
        .ssl_mode(mode);
    config
}

/// A whole session of the released tokio-postgres.
///
/// # Panics
///
/// If any step of it fails.
pub(crate) async fn run<T>(config: &Config, tls: T)
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
{
    let (client, connection) = config.connect(tls).await.expect("a connection");
    ask_and_leave(client, connection).await;
}
