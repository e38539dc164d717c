//! The server: a listener whose connections are served by tasks of its own, and the guard that holds both.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use pgtls_harness::{Deadline, Listener, Recorder, Seed, Wire, rules::RuleSpec};
use tokio::{
    sync::{oneshot, watch},
    task::{JoinHandle, JoinSet},
};

use crate::{
    Builder, Error,
    axes::{Certificate, ServerAxes},
    connection::{Channel, Connection, Log},
    history::{Connections, History},
    negotiation::shakes_hands,
    pki::{Authority, CLIENT_USER},
    tls::{Context, ContextKey, TlsSettings},
    transcript::{Observation, Sender, What},
};

/// How long the server waits before it accepts again, where accepting failed (too many open files).
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// What is escaped in a URL: all but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same in a query, where a path stays readable.
const RESERVED_IN_QUERY: &AsciiSet = &RESERVED.remove(b'/');

/// A mock PostgreSQL server that is listening.
///
/// It stops when dropped: no task and no socket of it outlives the guard for long.
#[derive(Debug)]
#[must_use = "the server stops when this guard is dropped"]
pub struct MockServer {
    core: Arc<Core>,
    address: SocketAddr,
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

/// What all connections of a server share.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) authority: Authority,
    pub(crate) password: String,
    pub(crate) canary: String,
    pub(crate) query_number: Option<i64>,
    pub(crate) seed: Seed,
    started: Instant,
    deadline: Duration,
    rules: Vec<RuleSpec>,
    recorded: usize,
    tls: TlsSettings,
    most_connections: Option<u64>,
    history: History,
    settings: Mutex<Settings>,
    /// Held while settings are changed: certificates may have to be made first.
    changing: Mutex<()>,
    /// How often all connections were reset.
    resets: watch::Sender<u64>,
}

/// What may change while the server runs; each connection keeps what it was accepted with.
#[derive(Debug, Clone)]
struct Settings {
    axes: ServerAxes,
    context: Option<Arc<Context>>,
    ca_path: PathBuf,
}

impl MockServer {
    /// Settings for a server, all at their defaults.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn start(builder: Builder) -> Result<Self, Error> {
        let authority = match builder.authority {
            Some(authority) => authority,
            None => Authority::generate()?,
        };
        let tls = TlsSettings { resumption: builder.resumption, send_root: builder.send_root };
        let settings = Settings::new(&authority, builder.axes, tls)?;
        let listener = Listener::bind(builder.bind)?;
        let address = listener.address();
        let core = Arc::new(Core {
            authority,
            password: builder.password,
            canary: builder.canary,
            query_number: builder.query_number,
            seed: builder.seed.unwrap_or_else(Seed::random),
            started: Instant::now(),
            deadline: builder.deadline,
            rules: builder.rules,
            recorded: builder.recorded,
            tls,
            most_connections: builder.most_connections,
            history: History::new(builder.history),
            settings: Mutex::new(settings),
            changing: Mutex::new(()),
            resets: watch::Sender::new(0),
        });
        let (finish, finished) = oneshot::channel();
        let accepting = tokio::spawn(accept(listener, Arc::clone(&core), finished));
        tracing::debug!(%address, seed = %core.seed, "listening");
        Ok(Self { core, address, finish, accepting: AbortOnDrop(accepting) })
    }

    /// The address listened on, with the real port.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
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
        let root = if sslmode.starts_with("verify-") {
            let path = self.ca_path();
            format!(
                "&sslrootcert={}",
                utf8_percent_encode(&path.to_string_lossy(), RESERVED_IN_QUERY)
            )
        } else {
            String::new()
        };
        format!(
            "{}?sslmode={}{root}",
            self.base_url(),
            utf8_percent_encode(sslmode, RESERVED_IN_QUERY)
        )
    }

    /// A connection URL without parameters.
    #[must_use]
    pub fn base_url(&self) -> String {
        let host = self.host();
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        format!(
            "postgresql://{CLIENT_USER}:{}@{host}:{}/postgres",
            utf8_percent_encode(&self.core.password, RESERVED),
            self.address.port(),
        )
    }

    /// The name by which the URLs call the server: one that stands in the certificates where it
    /// listens on 127.0.0.1 or on every address, else the address.
    #[must_use]
    pub fn host(&self) -> String {
        let ip = self.address.ip();
        if ip == Ipv4Addr::LOCALHOST || ip.is_unspecified() {
            "localhost".to_owned()
        } else {
            ip.to_string()
        }
    }

    /// Shows another certificate to connections that are accepted from now on.
    ///
    /// # Errors
    ///
    /// When the certificate cannot be made; the one before stays.
    pub fn set_certificate(&self, certificate: Certificate) -> Result<(), Error> {
        self.change(|axes| ServerAxes { certificate, ..axes })
    }

    /// Behaves in another way towards connections that are accepted from now on.
    ///
    /// # Errors
    ///
    /// When a certificate cannot be made, or TLS refuses it; all stays as it was.
    pub fn set_axes(&self, axes: ServerAxes) -> Result<(), Error> {
        self.change(|_| axes)
    }

    /// One change at a time; connections are accepted meanwhile, with what was.
    fn change(&self, change: impl FnOnce(ServerAxes) -> ServerAxes) -> Result<(), Error> {
        let _alone = self.core.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let settings = Settings::new(&self.core.authority, change(self.axes()), self.core.tls)?;
        *self.core.settings.lock().unwrap_or_else(PoisonError::into_inner) = settings;
        Ok(())
    }

    /// Resets every connection that is open now, as a server does that is replaced under its
    /// clients: each sees RST, and may connect again at once.
    pub fn reset_connections(&self) {
        self.core.resets.send_modify(|resets| *resets += 1);
    }

    /// What the server saw so far.
    #[must_use]
    pub fn observation(&self) -> Observation {
        self.core.history.observation()
    }

    /// Connections that end from now on, each with its own trace, as it ends.
    pub fn subscribe(&self) -> Connections {
        self.core.history.subscribe()
    }

    /// Waits until every connection has ended, at most for `grace`, cuts what is left, stops, and
    /// tells what the server saw.
    ///
    /// A connection that a client has made and the server not yet accepted counts too, so that
    /// nothing which the client did before this call is missing.
    pub async fn finish(self, grace: Duration) -> Observation {
        let Self { core, finish, mut accepting, .. } = self;
        // Where the task is gone, there is nothing to wait for.
        if finish.send(Deadline::after(grace)).is_ok()
            && let Err(error) = (&mut accepting.0).await
        {
            tracing::error!(%error, "the accepting task failed");
        }
        core.history.observation()
    }
}

impl Core {
    fn settings(&self) -> Settings {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Settings {
    fn new(authority: &Authority, axes: ServerAxes, tls: TlsSettings) -> Result<Self, Error> {
        let context = shakes_hands(axes.reply)
            .then(|| authority.shared().context(authority, ContextKey::new(&axes, tls)))
            .transpose()?;
        let ca_path = authority.root_path(axes.key)?;
        Ok(Self { axes, context, ca_path })
    }
}

/// Accepts until told to finish, and then as long as connections are open or waiting.
async fn accept(listener: Listener, core: Arc<Core>, mut finish: oneshot::Receiver<Deadline>) {
    let (cut, cut_seen) = watch::channel(false);
    let mut tasks = Tasks { set: JoinSet::new(), core, cut_seen };
    let deadline = loop {
        tokio::select! {
            accepted = listener.accept(), if tasks.may_accept() => tasks.accepted(accepted).await,
            Some(ended) = tasks.set.join_next() => report(ended),
            deadline = &mut finish => match deadline {
                Ok(deadline) => break deadline,
                // The guard is gone, and this task with it.
                Err(_) => return,
            },
        }
    };
    loop {
        let may_wait = tasks.accept_waiting(&listener);
        if tasks.set.is_empty() && !may_wait {
            return;
        }
        tokio::select! {
            accepted = listener.accept(), if tasks.may_accept() => tasks.accepted(accepted).await,
            Some(ended) = tasks.set.join_next() => report(ended),
            () = tokio::time::sleep_until(deadline.instant().into()) => break,
        }
    }
    drop(listener);
    cut.send_replace(true);
    while let Some(ended) = tasks.set.join_next().await {
        report(ended);
    }
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a connection's task failed");
    }
}

/// The tasks that serve connections; dropped, they are aborted.
struct Tasks {
    set: JoinSet<()>,
    core: Arc<Core>,
    cut_seen: watch::Receiver<bool>,
}

impl Tasks {
    async fn accepted(&mut self, accepted: std::io::Result<(Wire, SocketAddr)>) {
        match accepted {
            Ok((wire, peer)) => self.spawn(wire, peer),
            Err(error) => {
                tracing::warn!(%error, "cannot accept");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }

    /// Takes the connections that wait in the kernel; whether some may still wait there, because
    /// accepting failed (too many open files) and is to be tried again.
    fn accept_waiting(&mut self, listener: &Listener) -> bool {
        while self.may_accept() {
            match listener.accept_waiting() {
                Ok(Some((wire, peer))) => self.spawn(wire, peer),
                Ok(None) => return false,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept");
                    return true;
                }
            }
        }
        false
    }

    /// Whether a further connection is taken, or left waiting at the door.
    fn may_accept(&self) -> bool {
        self.core.most_connections.is_none_or(|most| self.core.history.accepted() < most)
    }

    fn spawn(&mut self, mut wire: Wire, peer: SocketAddr) {
        let core = Arc::clone(&self.core);
        let recorder = (core.recorded > 0).then(|| Recorder::new(core.recorded));
        if let Some(recorder) = &recorder {
            wire.record(recorder.clone());
        }
        wire.install(core.rules.iter().cloned());
        let log = Log::new(core.started, recorder);
        let number = core.history.add(log.clone());
        let Settings { axes, context, .. } = core.settings();
        let ending = Ending { core: Arc::clone(&core), log: log.clone(), number };
        let deadline = Deadline::after(core.deadline);
        let channel = Channel::new(wire, log);
        let resets = core.resets.subscribe();
        let connection = Connection::new(channel, core, axes, context, number, peer);
        self.set.spawn(serve(connection, deadline, self.cut_seen.clone(), resets, ending));
    }
}

async fn serve(
    connection: Connection,
    deadline: Deadline,
    mut cut: watch::Receiver<bool>,
    mut resets: watch::Receiver<u64>,
    ending: Ending,
) {
    // Named here, it is closed before its end is told.
    let mut connection = connection;
    let log = &ending.log;
    tokio::select! {
        biased;
        ended = deadline.bound(connection.run()) => if ended.is_err() {
            log.enter(Sender::Server, false, 0, What::TimedOut);
        },
        Ok(()) = resets.changed() => connection.reset(),
        _ = cut.wait_for(|cut| *cut) => log.enter(Sender::Server, false, 0, What::Closed),
    }
}

/// Enters the end of a connection, however it comes.
struct Ending {
    core: Arc<Core>,
    log: Log,
    number: u64,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.log.end();
        self.core.history.ended(self.number, &self.log);
    }
}
