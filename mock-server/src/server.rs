//! The server: its settings, and the guard that holds it.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use pgtls_harness::{Deadline, Listener, Seed, rules::RuleSpec};
use sha2::{Digest, Sha256};
use tokio::{
    sync::{OnceCell, Semaphore, oneshot, watch},
    task::JoinHandle,
};

use crate::{
    Builder, Error,
    axes::{Certificate, ServerAxes},
    budget::Budget,
    door,
    history::{Connections, History},
    negotiation::shakes_hands,
    pki::{Authority, CLIENT_USER},
    scram::{DEFAULT_ITERATIONS, Verifier},
    tls::{Context, ContextKey, TlsSettings},
    transcript::Observation,
};

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
    pub(crate) started: Instant,
    pub(crate) deadline: Duration,
    pub(crate) idle: Duration,
    pub(crate) rules: Vec<RuleSpec>,
    pub(crate) recorded: usize,
    tls: TlsSettings,
    pub(crate) most_connections: Option<u64>,
    pub(crate) simultaneous: usize,
    pub(crate) budget: Budget,
    pub(crate) connection_memory: usize,
    pub(crate) history: History,
    /// Sessions with much to do have their turns one after the other.
    pub(crate) turns: Semaphore,
    verifier: OnceCell<Option<Arc<Verifier>>>,
    settings: Mutex<Settings>,
    /// Held while settings are changed: certificates may have to be made first.
    changing: Mutex<()>,
    /// How often all connections were reset.
    pub(crate) resets: watch::Sender<u64>,
}

/// What may change while the server runs; each connection keeps what it was accepted with.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) axes: ServerAxes,
    pub(crate) context: Option<Arc<Context>>,
    ca_path: PathBuf,
}

impl MockServer {
    /// Settings for a server, all at their defaults.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) async fn start(builder: Builder) -> Result<Self, Error> {
        let authority = match builder.authority {
            Some(authority) => authority,
            None => Authority::generate()?,
        };
        let tls = TlsSettings { resumption: builder.resumption, send_root: builder.send_root };
        let axes = builder.axes;
        let settings = if authority.is_quick(axes.key) {
            Settings::new(&authority, axes, tls)?
        } else {
            // An RSA key takes as long as a hundred logins: the runtime has others to serve.
            let authority = authority.clone();
            let made = tokio::task::spawn_blocking(move || Settings::new(&authority, axes, tls));
            made.await.map_err(Error::tls("certificate and key"))??
        };
        let budget = match builder.memory {
            Some(bytes) => Budget::new(bytes),
            None => authority.shared().budget.clone(),
        };
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
            // Where nothing is said, the deadline comes first.
            idle: builder.idle.unwrap_or(Duration::MAX),
            rules: builder.rules,
            recorded: builder.recorded,
            tls,
            most_connections: builder.most_connections,
            simultaneous: builder.simultaneous,
            history: History::new(builder.history, &budget),
            budget,
            connection_memory: builder.connection_memory,
            turns: Semaphore::new(1),
            verifier: OnceCell::new(),
            settings: Mutex::new(settings),
            changing: Mutex::new(()),
            resets: watch::Sender::new(0),
        });
        let (finish, finished) = oneshot::channel();
        let accepting = tokio::spawn(door::accept(listener, Arc::clone(&core), finished));
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
    pub(crate) fn settings(&self) -> Settings {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the server keeps of the password for SCRAM: made at the first login that needs it, and
    /// elsewhere, since it is made to take long. `None` if that failed.
    pub(crate) async fn verifier(&self) -> Option<Arc<Verifier>> {
        let make = || async {
            let password = self.password.clone();
            tokio::task::spawn_blocking(move || {
                // A salt need not be secret, nor change: derived, it is the same in every run.
                let digest = Sha256::digest(["pgtls salt ", &password].concat());
                Arc::new(Verifier::new(&password, &digest[..16], DEFAULT_ITERATIONS))
            })
            .await
            .ok()
        };
        self.verifier.get_or_init(make).await.clone()
    }
}

impl Settings {
    fn new(authority: &Authority, axes: ServerAxes, tls: TlsSettings) -> Result<Self, Error> {
        let context = shakes_hands(axes.reply)
            .then(|| authority.tls_context(ContextKey::new(&axes, tls)))
            .transpose()?;
        let ca_path = authority.root_path(axes.key)?;
        Ok(Self { axes, context, ca_path })
    }
}
