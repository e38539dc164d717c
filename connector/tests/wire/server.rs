//! A mock server with a script, and connections to it.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use pgtls_connector::dial::{Dial, DialFuture, Endpoint, Transport};
use pgtls_connector::{Config, Connection, Connector, Error};
use pgtls_mock_server::pki::Authority;
use pgtls_mock_server::script::Script;
use pgtls_mock_server::transcript::{EntryKind, Sender};
use pgtls_mock_server::{Builder, Dialer, MockServer};
use serde_json::{Value, json};
use tokio_postgres::Client;

/// No test waits longer for anything.
pub(crate) const TEST_TIMEOUT: Duration = Duration::from_secs(30);

/// RSA keys take their time, so all servers show the certificates of one authority.
static AUTHORITY: LazyLock<Authority> =
    LazyLock::new(|| Authority::generate().expect("an authority"));

/// A server that does this on its connections, in their order, and on further ones as on the last.
pub(crate) struct Server(MockServer);

fn builder(connections: &[Value]) -> Builder {
    let script = json!({ "connections": connections }).to_string();
    let script = Script::from_json(&script).unwrap_or_else(|error| panic!("{script}: {error}"));
    MockServer::builder().authority(AUTHORITY.clone()).deadline(TEST_TIMEOUT).script(script)
}

impl Server {
    pub(crate) async fn start(connections: &[Value]) -> Server {
        Server(builder(connections).start().await.expect("a server"))
    }

    /// The same without a socket, for clients that come by [`InMemory`].
    pub(crate) async fn start_in_memory(connections: &[Value]) -> Server {
        Server(builder(connections).start_in_memory().await.expect("a server"))
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.address().port()
    }

    /// How many connections were accepted so far.
    pub(crate) fn connections(&self) -> usize {
        self.0.observation().connections.len()
    }

    /// What each connection was sent, once all have ended.
    pub(crate) async fn sent(self) -> Vec<Vec<String>> {
        let observation = self.0.finish(TEST_TIMEOUT).await;
        let sent = observation.connections.iter().map(|connection| {
            let entries = connection.entries.iter();
            entries
                .filter(|entry| entry.sender == Sender::Client)
                .filter_map(|entry| name(&entry.what))
                .collect()
        });
        sent.collect()
    }

    /// How each handshake failed, by the server's account, once all connections have ended.
    pub(crate) async fn failed_handshakes(self) -> Vec<String> {
        let observation = self.0.finish(TEST_TIMEOUT).await;
        let entries = observation.connections.into_iter().flat_map(|one| one.entries);
        let failed = entries.filter_map(|entry| match entry.what {
            EntryKind::HandshakeFailed(why) => Some(why),
            _ => None,
        });
        failed.collect()
    }

    pub(crate) async fn connect(&self, more: &str) -> Result<(Client, Connection), Error> {
        connect(Connector::from_config(&config(self.port(), more)).expect("settings")).await
    }

    pub(crate) async fn fails(&self, more: &str) -> Error {
        match self.connect(more).await {
            Ok(_) => panic!("{more}: connected"),
            Err(error) => error,
        }
    }

    /// A connector to a server without a socket.
    pub(crate) fn connector_in_memory(&self, more: &str) -> Connector {
        self.connector_with(&config(self.port(), more))
    }

    /// The same with these settings, whatever host they name.
    pub(crate) fn connector_with(&self, config: &Config) -> Connector {
        let dialer = self.0.dialer().expect("it was started in memory");
        Connector::from_config(config).expect("settings").with_dialer(Arc::new(InMemory(dialer)))
    }

    /// The root of its certificate, as a PEM file.
    pub(crate) fn root(&self) -> PathBuf {
        self.0.ca_path()
    }
}

pub(crate) fn config(port: u16, more: &str) -> Config {
    format!("host=localhost hostaddr=127.0.0.1 port={port} user=u password=p dbname=d connect_timeout=20 {more}")
        .parse()
        .expect("a configuration")
}

pub(crate) async fn connect(connector: Connector) -> Result<(Client, Connection), Error> {
    tokio::time::timeout(TEST_TIMEOUT, connector.connect()).await.expect("a result in time")
}

/// The documentation's name for what a client sends.
fn name(what: &EntryKind) -> Option<String> {
    Some(match what {
        EntryKind::SslRequest => "SSLRequest".to_owned(),
        EntryKind::CancelRequest => "CancelRequest".to_owned(),
        EntryKind::ClientHello => "ClientHello".to_owned(),
        EntryKind::Startup { .. } => "StartupMessage".to_owned(),
        EntryKind::Proof(_) => "PasswordMessage".to_owned(),
        EntryKind::Query(_) => "Query".to_owned(),
        EntryKind::Frontend { name, .. } => (*name).to_owned(),
        // It is a reset where the client has left bytes unread.
        EntryKind::Closed | EntryKind::Reset => "end".to_owned(),
        EntryKind::Event(_) => return None,
        other => format!("{other:?}"),
    })
}

/// What [`Server::sent`] is compared with.
pub(crate) fn lines(connections: &[&[&str]]) -> Vec<Vec<String>> {
    let owned = |lines: &&[&str]| lines.iter().map(|&line| line.to_owned()).collect();
    connections.iter().map(owned).collect()
}

/// Dials a mock server in this process.
struct InMemory(Dialer);

impl Dial for InMemory {
    fn dial<'a>(&'a self, _: &'a Endpoint) -> DialFuture<'a, Box<dyn Transport>> {
        Box::pin(async { Ok(Box::new(self.0.dial().await?) as Box<dyn Transport>) })
    }
}

/// An ErrorResponse with this SQLSTATE and text.
pub(crate) fn error(code: &str, text: &str) -> Value {
    json!({ "error_response": { "severity": "FATAL", "sqlstate": code, "message": text } })
}

/// AuthenticationOk to ReadyForQuery, with a key and these parameters.
pub(crate) fn login(parameters: &[(&str, &str)]) -> Vec<Value> {
    let always = [("server_version", "18.4"), ("client_encoding", "UTF8")];
    let parameters = always
        .iter()
        .chain(parameters)
        .map(|(name, value)| json!({ "parameter_status": { "name": name, "value": value } }));
    let end = [json!("backend_key_data"), json!("ready_for_query")];
    [json!("authentication_ok")].into_iter().chain(parameters).chain(end).collect()
}

/// A server without TLS, and without a password to ask for.
pub(crate) fn plain(parameters: &[(&str, &str)]) -> Value {
    json!({
        "ssl_request": [{ "send": [{ "text": "N" }] }],
        "startup": [{ "send": login(parameters) }],
    })
}

/// A server that sends this in answer to the StartupMessage, and then nothing.
pub(crate) fn at_startup(send: Value) -> Value {
    json!({ "startup": [{ "send": send }, "silence"] })
}

/// A server that sends this in answer to the SSLRequest, and then nothing.
pub(crate) fn at_ssl_request(send: Value) -> Value {
    json!({ "ssl_request": [{ "send": send }, "silence"] })
}
