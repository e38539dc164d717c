//! The way to one address: sockets, negotiation and handshakes, until a message may be sent.

use std::sync::Arc;

use tokio::net::TcpStream;

use crate::config::{Settings, Target};
use crate::error::{Attempt, Fault, Place, Step};
use crate::negotiation::{Answer, request_tls};
use crate::policy::{Event, Method, Next, Plan};
use crate::socket::{self, Address};
use crate::stream::Stream;
use crate::tls::{self, Backend};
use crate::{SslMode, binding, names};

pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// One address of one host, with everything that decides how to talk to it.
#[derive(Clone)]
pub(crate) struct Route {
    pub(crate) settings: Arc<Settings>,
    pub(crate) backend: Option<Backend>,
    pub(crate) target: Target,
    pub(crate) address: Address,
}

/// Where an attempt is, so that a failure (or the timeout) can tell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Progress {
    pub(crate) step: Step,
    pub(crate) encrypted: bool,
}

/// Why a connection was given up.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) event: Event,
    pub(crate) cause: Cause,
}

impl Failure {
    pub(crate) fn new(event: Event, cause: impl Into<Cause>) -> Failure {
        Failure { event, cause: cause.into() }
    }
}

impl Route {
    /// The methods to try here, in order. Unix sockets know no TLS, whatever the mode.
    pub(crate) fn plan(&self) -> Plan {
        match self.address {
            Address::Tcp(_) => Plan::new(self.settings.mode),
            Address::Unix(_) => Plan::only(Method::Plain),
        }
    }

    /// Where this leads, as an error tells it.
    pub(crate) fn place(&self) -> Place {
        let address = self.address.to_string();
        match self.target.name.is_empty() {
            true => Place { host: address, address: None },
            false => Place { host: self.target.name.clone(), address: Some(address) },
        }
    }

    pub(crate) fn attempt(&self, progress: Progress, cause: Cause) -> Attempt {
        Attempt::new(Some(self.place()), progress.encrypted, progress.step, cause)
    }

    /// Opens one connection and brings it to where the first message may be sent, by the plan's current method;
    /// where the server has no TLS and the plan allows it, by the next.
    pub(crate) async fn open(
        &self,
        plan: &mut Plan,
        progress: &mut Progress,
    ) -> Result<Stream, (Next, Cause)> {
        *progress = Progress { step: Step::Connect, encrypted: plan.method() == Method::Tls };
        tracing::debug!(host = self.target.name, address = %self.address, method = ?plan.method(), "connecting");
        let opened = match &self.address {
            Address::Unix(path) => return self.open_unix(path, plan).await,
            Address::Tcp(address) => socket::open_tcp(*address, &self.settings.tcp).await,
        };
        let socket = opened.map_err(|error| (plan.after(Event::Unreachable), error.into()))?;
        match plan.method() {
            Method::Plain => Ok(Stream::plain(socket)),
            Method::Tls => match self.negotiate(socket, progress).await {
                Ok(Negotiated::Encrypted(stream)) => Ok(stream),
                Ok(Negotiated::Refused { socket, more }) => match plan.after(Event::Refused) {
                    Next::SameConnection => {
                        progress.encrypted = false;
                        let stream = Stream::plain(socket);
                        Ok(if more { stream.hold() } else { stream })
                    }
                    next => Err((next, Fault::TlsRefused.into())),
                },
                Err(failure) => Err((plan.after(failure.event), failure.cause)),
            },
        }
    }

    #[cfg(unix)]
    async fn open_unix(
        &self,
        path: &std::path::Path,
        plan: &mut Plan,
    ) -> Result<Stream, (Next, Cause)> {
        match tokio::net::UnixStream::connect(path).await {
            Ok(socket) => Ok(Stream::plain(socket)),
            Err(error) => Err((plan.after(Event::Unreachable), error.into())),
        }
    }

    #[cfg(not(unix))]
    async fn open_unix(
        &self,
        _: &std::path::Path,
        plan: &mut Plan,
    ) -> Result<Stream, (Next, Cause)> {
        Err((plan.after(Event::Unreachable), "there are no Unix sockets on this platform".into()))
    }

    async fn negotiate(
        &self,
        mut socket: TcpStream,
        progress: &mut Progress,
    ) -> Result<Negotiated, Failure> {
        if !self.settings.direct {
            progress.step = Step::Negotiate;
            match request_tls(&mut socket).await {
                Ok(Answer::Tls) => {}
                Ok(Answer::Plain { more }) => return Ok(Negotiated::Refused { socket, more }),
                Err(cause) => return Err(Failure { event: Event::Broken, cause }),
            }
        }
        self.encrypt(socket, progress).await.map(Negotiated::Encrypted)
    }

    /// The handshake, and what is asked after it.
    async fn encrypt(&self, socket: TcpStream, progress: &mut Progress) -> Result<Stream, Failure> {
        let failed = |cause: Cause| Failure::new(Event::HandshakeFailed, cause);

        progress.step = Step::Credentials;
        let backend = self.backend.clone().ok_or_else(|| failed(no_backend().into()))?;
        let settings = Arc::clone(&self.settings);
        let sni = names::sni(&self.target.name).filter(|_| settings.sni).map(str::to_owned);
        let prepare = move || {
            let terms = tls::Terms {
                sni: sni.is_some(),
                min_version: settings.min_version,
                max_version: settings.max_version,
                credentials: tls::load(&settings)?,
            };
            backend.prepare(terms, sni)
        };
        let prepared = tokio::task::spawn_blocking(prepare)
            .await
            .map_err(|error| failed(error.into()))?
            .map_err(failed)?;

        progress.step = Step::Handshake;
        let secured = prepared.handshake(socket).await.map_err(failed)?;
        if let Err((step, fault)) = self.accept(&secured) {
            progress.step = step;
            socket::close(secured.io).await;
            return Err(failed(fault.into()));
        }
        let binding = binding::tls_server_end_point(&secured.certificate);
        Ok(Stream::encrypted(secured.io, binding))
    }

    /// What libpq asks once the handshake is complete: ALPN, and the names.
    fn accept(&self, secured: &tls::Secured) -> Result<(), (Step, Fault)> {
        match &secured.alpn {
            // Servers before 17 do not know ALPN, and libpq insists only where nothing else says "PostgreSQL".
            None if !self.settings.direct => {}
            _ if secured.is_postgresql() => {}
            None => return Err((Step::Handshake, Fault::Alpn("none".to_owned()))),
            Some(other) => {
                return Err((
                    Step::Handshake,
                    Fault::Alpn(format!("\"{}\"", other.escape_ascii())),
                ));
            }
        }
        if self.settings.mode == SslMode::VerifyFull {
            names::verify(&secured.certificate, &self.target.name)
                .map_err(|error| (Step::Name, error.into()))?;
        }
        Ok(())
    }
}

/// What an SSLRequest led to.
enum Negotiated {
    Encrypted(Stream),
    Refused { socket: TcpStream, more: bool },
}

pub(crate) fn no_backend() -> Fault {
    Fault::Configuration(
        "no TLS backend is compiled in or given: see the crate's features".to_owned(),
    )
}
