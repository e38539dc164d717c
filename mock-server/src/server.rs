//! The server: how it starts, and the guard that holds it.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use pgtls_harness::{Deadline, Listener, Seed, memory::Dialer};
use tokio::{sync::oneshot, task::JoinHandle};

use crate::{
    Builder, Error,
    axes::{Certificate, ServerAxes},
    core::Core,
    door,
    ended::Connections,
    history::History,
    pki::Authority,
    transcript::Observation,
    url,
};

/// The port that a server in memory seems to have: PostgreSQL's own.
const NOMINAL_PORT: u16 = 5432;

/// A mock PostgreSQL server that is listening, on a TCP port or in memory.
///
/// It stops when dropped: no task and no socket of it outlives the guard for long.
#[derive(Debug)]
#[must_use = "the server stops when this guard is dropped"]
pub struct MockServer {
    core: Arc<Core>,
    history: Arc<History>,
    address: SocketAddr,
    /// How clients come to a server in memory.
    dialer: Option<Dialer>,
    finish: oneshot::Sender<Deadline>,
    accepting: AbortOnDrop,
}

#[derive(Debug)]
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Builder {
    /// Binds the address and begins to accept.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened on, or a certificate cannot be made.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with I/O and time enabled.
    pub async fn start(self) -> Result<MockServer, Error> {
        let (address, history) = (self.bind, self.history);
        let core = Core::new(self).await?;
        Ok(MockServer::serve(core, history, Listener::bind(address)?, None))
    }

    /// Starts without a socket: clients are in this process, and come by
    /// [`MockServer::dialer`]. All else is as with [`start`](Self::start): limits, transcripts, the
    /// end. The address is nominal: that of [`bind`](Self::bind), with PostgreSQL's port 5432 for none.
    ///
    /// The server's waits go by the clock of tokio's runtime. Where a test has paused it, silence
    /// costs no time.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use pgtls_mock_server::MockServer;
    /// use tokio_postgres::{Config, NoTls};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = MockServer::builder().start_in_memory().await?;
    /// let stream = server.dialer().ok_or("it is in memory")?.dial().await?;
    /// let config: Config = server.url("disable").parse()?;
    /// let (client, connection) = config.connect_raw(stream, NoTls).await?;
    /// tokio::spawn(connection);
    /// client.simple_query("SELECT 1").await?;
    /// drop(client);
    /// let seen = server.finish(Duration::from_secs(1)).await;
    /// assert_eq!(seen.trace.to_string(), "connect, authok -> plain");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When a certificate cannot be made.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with time enabled.
    pub async fn start_in_memory(self) -> Result<MockServer, Error> {
        let (mut address, history) = (self.bind, self.history);
        if address.port() == 0 {
            address.set_port(NOMINAL_PORT);
        }
        let core = Core::new(self).await?;
        let (listener, dialer) = Listener::in_memory(address);
        Ok(MockServer::serve(core, history, listener, Some(dialer)))
    }
}

impl MockServer {
    /// Settings for a server, all at their defaults.
    pub fn builder() -> Builder {
        Builder::default()
    }

    fn serve(core: Core, history: usize, listener: Listener, dialer: Option<Dialer>) -> Self {
        let address = listener.address();
        let history = Arc::new(History::new(history, &core.budget));
        let core = Arc::new(core);
        let (finish, finished) = oneshot::channel();
        let accept = door::accept(listener, Arc::clone(&core), Arc::clone(&history), finished);
        let accepting = AbortOnDrop(tokio::spawn(accept));
        tracing::debug!(%address, seed = %core.seed, "listening");
        Self { core, history, address, dialer, finish, accepting }
    }

    /// The address listened on, with the real port. Of a server [in memory](Builder::start_in_memory)
    /// it is nominal: nobody listens there, and only URLs and messages name it.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// How clients in this process come to a server that was started
    /// [in memory](Builder::start_in_memory); `None` where there is a port to connect to.
    ///
    /// It may outlive the server: dialling is refused then.
    #[must_use]
    pub fn dialer(&self) -> Option<Dialer> {
        self.dialer.clone()
    }

    /// The authority behind the server's certificates.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.core.authority
    }

    /// The root that issued the server's certificates, as a PEM file.
    #[must_use]
    pub fn ca_path(&self) -> PathBuf {
        self.core.settings().ca_path
    }

    /// The settings that new connections meet.
    #[must_use]
    pub fn axes(&self) -> ServerAxes {
        self.core.settings().axes
    }

    /// Where all chance of this server comes from.
    #[must_use]
    pub fn seed(&self) -> Seed {
        self.core.seed
    }

    /// The password that the server expects of everybody.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.core.password
    }

    /// A connection URL; with `sslmode` verify-ca or verify-full it names the right root too.
    #[must_use]
    pub fn url(&self, sslmode: &str) -> String {
        let root = sslmode.starts_with("verify-").then(|| self.ca_path());
        url::with_sslmode(&self.base_url(), sslmode, root.as_deref())
    }

    /// A connection URL without parameters.
    #[must_use]
    pub fn base_url(&self) -> String {
        url::base(self.address, &self.core.password)
    }

    /// The name by which the URLs call the server: one that stands in the certificates where it
    /// listens on 127.0.0.1 or on every address, else the address.
    #[must_use]
    pub fn host(&self) -> String {
        url::host(self.address.ip())
    }

    /// Shows another certificate to connections that are accepted from now on.
    ///
    /// # Errors
    ///
    /// When the certificate cannot be made; the one before stays.
    pub fn set_certificate(&self, certificate: Certificate) -> Result<(), Error> {
        self.core.change(|axes| ServerAxes { certificate, ..axes })
    }

    /// Behaves in another way towards connections that are accepted from now on.
    ///
    /// # Errors
    ///
    /// When a certificate cannot be made, or TLS refuses it; all stays as it was.
    pub fn set_axes(&self, axes: ServerAxes) -> Result<(), Error> {
        self.core.change(|_| axes)
    }

    /// Resets every connection that is open now, as a server does that is replaced under its
    /// clients: each sees RST, and may connect again at once.
    pub fn reset_connections(&self) {
        self.core.resets.send_modify(|resets| *resets += 1);
    }

    /// What the server saw so far.
    #[must_use]
    pub fn observation(&self) -> Observation {
        self.history.observation()
    }

    /// Connections that end from now on, each with its own trace, as it ends.
    pub fn subscribe(&self) -> Connections {
        self.history.subscribe()
    }

    /// Waits until every connection has ended, at most for `grace`, cuts what is left, stops, and
    /// tells what the server saw.
    ///
    /// A connection that a client has made (or dialled) and the server not yet accepted counts too,
    /// so that nothing which the client did before this call is missing.
    pub async fn finish(self, grace: Duration) -> Observation {
        let Self { history, finish, mut accepting, .. } = self;
        // Where the task is gone, there is nothing to wait for.
        if finish.send(Deadline::after(grace)).is_ok()
            && let Err(error) = (&mut accepting.0).await
        {
            tracing::error!(%error, "the accepting task failed");
        }
        history.last_observation()
    }
}
