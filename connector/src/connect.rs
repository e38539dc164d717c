//! The connect call: hosts, their addresses, and the attempts at each, until one session stands.

use std::future::Future;
use std::hash::{BuildHasher, Hasher};
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tokio_postgres::{AsyncMessage, Client};

use crate::cancel::CancelToken;
use crate::config::{Location, SessionAttrs, Settings, Target};
use crate::error::{Attempt, Fault, Place, Step};
use crate::login::Stage;
use crate::policy::{Event, Next};
use crate::route::{Cause, Failure, Progress, Route, no_backend};
use crate::socket::{Address, LINGER};
use crate::stream::{AsItIs, Stream};
use crate::{Backend, Config, Error, SslMode, session};

/// Connects as libpq would.
///
/// It holds checked settings and no connection; clone it freely, and call [`connect`](Connector::connect) as often
/// as you like. Files (the root file, the client certificate) are read anew at every connection, the system's store at
/// most once a minute; the TLS library's configuration is built anew only where they have changed.
#[derive(Clone)]
#[must_use = "a connector connects nothing until `connect` is called"]
pub struct Connector {
    settings: Arc<Settings>,
    backend: Option<Backend>,
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
        Ok(Connector {
            settings: Arc::new(Settings::resolve(config)?),
            backend: Backend::by_default(),
        })
    }

    /// Chooses the TLS library; otherwise it is rustls where that is compiled in.
    pub fn with_backend(mut self, backend: Backend) -> Connector {
        self.backend = Some(backend);
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
        let mut targets = self.settings.targets.clone();
        if self.settings.shuffle {
            shuffle(&mut targets);
        }
        let mut attempts = Vec::new();
        for &session in rounds(self.settings.session) {
            for target in &targets {
                match self.try_host(target, session, &mut attempts).await {
                    Ok(connected) => return Ok(connected),
                    Err(Next::Fail) => return Err(Error::all(attempts, Fault::NoHost)),
                    Err(_) => {}
                }
            }
        }
        Err(Error::all(attempts, Fault::NoHost))
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
    /// such thing. It looks at files, so it has a timeout, as long as an address has.
    async fn check(&self) -> Result<(), Error> {
        let by_network = |target: &Target| !matches!(target.place, Location::Folder(_));
        if self.settings.mode == SslMode::Disable || !self.settings.targets.iter().any(by_network) {
            return Ok(());
        }
        let Some(backend) = self.backend.clone() else {
            return Err(Error::configuration(no_backend().to_string()));
        };
        let settings = Arc::clone(&self.settings);
        let checked = tokio::task::spawn_blocking(move || backend.check(&settings));
        let failed = |cause: Cause| Error::one(Attempt::new(None, true, Step::Credentials, cause));
        within(self.settings.timeout, checked)
            .await
            .map_err(|fault| failed(fault.into()))?
            .map_err(|error| failed(error.into()))?
            .map_err(Error::configuration)
    }

    async fn try_host(
        &self,
        target: &Target,
        session: SessionAttrs,
        attempts: &mut Vec<Attempt>,
    ) -> Result<(Client, Connection), Next> {
        let addresses = match self.resolve(target).await {
            Ok(addresses) => addresses,
            Err(cause) => {
                let place = Place { host: target.name.clone(), address: None };
                let encrypted = self.settings.mode > SslMode::Allow;
                attempts.push(Attempt::new(Some(place), encrypted, Step::Resolve, cause));
                return Err(Next::OtherHost);
            }
        };
        for address in addresses {
            let route = Route {
                settings: Arc::clone(&self.settings),
                backend: self.backend.clone(),
                target: target.clone(),
                address,
            };
            match try_address(&route, session, attempts).await {
                Ok(connected) => return Ok(connected),
                Err(Next::OtherAddress) => {}
                Err(next) => return Err(next),
            }
        }
        Err(Next::OtherHost)
    }

    /// The addresses of a host, at least one. The lookup has a timeout of its own, as long as an address has.
    async fn resolve(&self, target: &Target) -> Result<Vec<Address>, Cause> {
        let port = target.port;
        match &target.place {
            Location::Folder(folder) => {
                Ok(vec![Address::Unix(folder.join(format!(".s.PGSQL.{port}")))])
            }
            Location::Address(address) => Ok(vec![Address::Tcp((*address, port).into())]),
            Location::Lookup => {
                let lookup = tokio::net::lookup_host((target.name.as_str(), port));
                let found = within(self.settings.timeout, lookup).await?;
                let mut addresses: Vec<Address> = found?.map(Address::Tcp).collect();
                if self.settings.shuffle {
                    shuffle(&mut addresses);
                }
                match addresses.is_empty() {
                    true => Err(Fault::NoAddress.into()),
                    false => Ok(addresses),
                }
            }
        }
    }
}

/// Says what it goes by, without secrets.
impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connector")
            .field("targets", &self.settings.targets)
            .field("mode", &self.settings.mode)
            .field("backend", &self.backend)
            .finish_non_exhaustive()
    }
}

/// Waits no longer than this, where there is a limit.
async fn within<F: Future>(timeout: Option<Duration>, work: F) -> Result<F::Output, Fault> {
    match timeout {
        Some(timeout) => {
            tokio::time::timeout(timeout, work).await.map_err(|_| Fault::TimedOut(timeout))
        }
        None => Ok(work.await),
    }
}

/// All attempts at one address, within one timeout.
async fn try_address(
    route: &Route,
    session: SessionAttrs,
    attempts: &mut Vec<Attempt>,
) -> Result<(Client, Connection), Next> {
    let mut progress = Progress { step: Step::Connect, encrypted: false };
    let work = try_methods(route, session, &mut progress, attempts);
    let Some(timeout) = route.settings.timeout else { return work.await };
    match timeout_at(Instant::now() + timeout, work).await {
        Ok(done) => done,
        Err(_) => {
            attempts.push(route.attempt(progress, Fault::TimedOut(timeout).into()));
            Err(Next::OtherAddress)
        }
    }
}

async fn try_methods(
    route: &Route,
    session: SessionAttrs,
    progress: &mut Progress,
    attempts: &mut Vec<Attempt>,
) -> Result<(Client, Connection), Next> {
    let mut plan = route.plan();
    loop {
        let (next, cause) = match route.open(&mut plan, progress).await {
            Ok(stream) => {
                progress.step = Step::Login;
                match log_in(route, stream, session, progress).await {
                    Ok(connected) => return Ok(connected),
                    Err(failure) => (plan.after(failure.event), failure.cause),
                }
            }
            Err(given_up) => given_up,
        };
        tracing::debug!(step = %progress.step, %cause, ?next, "attempt failed");
        attempts.push(route.attempt(*progress, cause));
        if next != Next::NewConnection {
            return Err(next);
        }
    }
}

/// From the StartupMessage to a session of the wanted kind.
async fn log_in(
    route: &Route,
    mut stream: Stream,
    session: SessionAttrs,
    progress: &mut Progress,
) -> Result<(Client, Connection), Failure> {
    let encrypted = stream.is_encrypted();
    let watching = stream.watch(route.settings.binding);
    let (client, inner) = match route.settings.login.connect_raw(stream, AsItIs).await {
        Ok(connected) => connected,
        Err(error) => {
            // The watch sees whole segments: behind a request that we refuse, a rejection may have come already.
            let by_server = error.as_db_error().is_some();
            let event = match watching.look().stage() {
                Stage::Rejected(code) if by_server => match code.as_deref() {
                    Some(CANNOT_CONNECT_NOW) => Event::Unsuitable,
                    _ => Event::Rejected,
                },
                _ => Event::Broken,
            };
            return Err(Failure::new(event, login_cause(error)));
        }
    };
    let key = watching.look().key().cloned();
    let cancel = CancelToken::new(route.clone(), encrypted, key);
    let mut connection = Connection { inner, cancel, encrypted };
    progress.step = Step::Session;
    let failure = match session::suits(&client, &mut connection, session).await {
        Ok(true) => return Ok((client, connection)),
        Ok(false) => Failure::new(Event::Unsuitable, Fault::WrongSession(session.as_str())),
        Err(failure) => failure,
    };
    if failure.event == Event::Unsuitable {
        drop(client);
        // As libpq does, it takes its leave.
        let _ = tokio::time::timeout(LINGER, connection).await;
    }
    Err(failure)
}

/// cannot_connect_now (PostgreSQL documentation, appendix A): the server starts up, shuts down or recovers.
const CANNOT_CONNECT_NOW: &str = "57P03";

/// tokio-postgres says "connection closed" by an error that nothing else can be told from.
fn login_cause(error: tokio_postgres::Error) -> Cause {
    match error.is_closed() {
        true => Fault::ClosedInLogin.into(),
        false => error.into(),
    }
}

/// One pass over the hosts, or two where a second choice is allowed.
fn rounds(session: SessionAttrs) -> &'static [SessionAttrs] {
    match session {
        SessionAttrs::Any => &[SessionAttrs::Any],
        SessionAttrs::ReadWrite => &[SessionAttrs::ReadWrite],
        SessionAttrs::ReadOnly => &[SessionAttrs::ReadOnly],
        SessionAttrs::Primary => &[SessionAttrs::Primary],
        SessionAttrs::Standby => &[SessionAttrs::Standby],
        SessionAttrs::PreferStandby => &[SessionAttrs::Standby, SessionAttrs::Any],
    }
}

/// Fisher and Yates's shuffle. The randomness is that of the standard library's hash maps: enough to spread load.
fn shuffle<T>(items: &mut [T]) {
    for last in (1..items.len()).rev() {
        let random = std::hash::RandomState::new().build_hasher().finish();
        items.swap(last, (random % (last as u64 + 1)) as usize);
    }
}

/// A session's connection: the future that moves its bytes.
///
/// Spawn it, or poll it by other means; the [`Client`] does nothing without. It ends when the client is dropped and
/// all outstanding work is done, or with the error that broke it.
#[must_use = "the client makes no progress unless its connection is polled, for example by tokio::spawn"]
pub struct Connection {
    inner: tokio_postgres::Connection<Stream, Stream>,
    cancel: CancelToken,
    encrypted: bool,
}

impl Connection {
    /// By what to cancel queries of this session; clone it freely. Use it in place of
    /// [`Client::cancel_token`](tokio_postgres::Client::cancel_token), which knows neither the address nor the host.
    pub fn cancel_token(&self) -> CancelToken {
        self.cancel.clone()
    }

    /// Whether the session is protected by TLS.
    pub fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// A parameter that the server reported, `server_version` for one.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.inner.parameter(name)
    }

    /// Moves the session on until the server sends a notice or a notification; none when the connection is over.
    pub fn poll_message(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<AsyncMessage, tokio_postgres::Error>>> {
        self.inner.poll_message(cx)
    }
}

impl Future for Connection {
    type Output = Result<(), tokio_postgres::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.inner).poll(cx)
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("encrypted", &self.encrypted).finish_non_exhaustive()
    }
}

/// For waits that have none set: long enough for any answer that still helps.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
