//! The way to one address: connections, negotiation and handshakes, until a message may be sent.

use std::sync::Arc;

use crate::closing::close;
use crate::config::Settings;
use crate::dial::{Dial, Transport};
use crate::endpoint::Endpoint;
use crate::error::{Attempt, Cause, Fault, Phase, Place};
use crate::negotiation::{Answer, request_tls};
use crate::policy::{Event, Method, Next, Plan};
use crate::stream::Stream;
use crate::tls::{self, Backend};
use crate::{SslMode, binding, names};

/// One address of one host, with everything that decides how to talk to it.
#[derive(Clone)]
pub(crate) struct Route {
    pub(crate) settings: Arc<Settings>,
    pub(crate) backend: Option<Backend>,
    pub(crate) dialer: Arc<dyn Dial>,
    pub(crate) endpoint: Endpoint,
}

/// Where an attempt is, so that a failure (or the timeout) can tell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Progress {
    pub(crate) phase: Phase,
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
        match self.endpoint.socket_path() {
            None => Plan::new(self.settings.mode),
            Some(_) => Plan::only(Method::Plain),
        }
    }

    /// Where this leads, as an error tells it.
    pub(crate) fn place(&self) -> Place {
        let address = self.endpoint.to_string();
        match self.endpoint.host() {
            "" => Place { host: address, address: None },
            host => Place { host: host.to_owned(), address: Some(address) },
        }
    }

    pub(crate) fn attempt(&self, progress: Progress, cause: Cause) -> Attempt {
        Attempt::new(Some(self.place()), progress.encrypted, progress.phase, cause)
    }

    /// Opens one connection and brings it to where the first message may be sent, by the plan's current method;
    /// where the server has no TLS and the plan allows it, by the next.
    pub(crate) async fn open(
        &self,
        plan: &mut Plan,
        progress: &mut Progress,
    ) -> Result<Stream, (Next, Cause)> {
        *progress = Progress { phase: Phase::Connect, encrypted: plan.method() == Method::Tls };
        tracing::debug!(host = self.endpoint.host(), address = %self.endpoint, method = ?plan.method(), "connecting");
        let opened = self.dialer.dial(&self.endpoint).await;
        let transport = opened.map_err(|error| (plan.after(Event::Unreachable), error.into()))?;
        match plan.method() {
            Method::Plain => Ok(Stream::plain(transport, Vec::new())),
            Method::Tls => match self.negotiate(transport, progress).await {
                Ok(Negotiated::Encrypted(stream)) => Ok(stream),
                Ok(Negotiated::Refused { transport, behind }) => match plan.after(Event::Refused) {
                    Next::SameConnection => {
                        progress.encrypted = false;
                        Ok(Stream::plain(transport, behind))
                    }
                    next => Err((next, Fault::TlsRefused.into())),
                },
                Err(failure) => Err((plan.after(failure.event), failure.cause)),
            },
        }
    }

    async fn negotiate(
        &self,
        mut transport: Box<dyn Transport>,
        progress: &mut Progress,
    ) -> Result<Negotiated, Failure> {
        if !self.settings.direct {
            progress.phase = Phase::Negotiate;
            match request_tls(&mut *transport).await {
                Ok(Answer::Tls) => {}
                Ok(Answer::Plain { behind }) => {
                    return Ok(Negotiated::Refused { transport, behind });
                }
                Err(cause) => return Err(Failure { event: Event::Broken, cause }),
            }
        }
        self.encrypt(transport, progress).await.map(Negotiated::Encrypted)
    }

    /// The handshake, and what is asked after it.
    async fn encrypt(
        &self,
        transport: Box<dyn Transport>,
        progress: &mut Progress,
    ) -> Result<Stream, Failure> {
        let failed = |cause: Cause| Failure::new(Event::HandshakeFailed, cause);

        progress.phase = Phase::Credentials;
        let backend = self.backend.clone().ok_or_else(|| failed(no_backend().into()))?;
        let settings = Arc::clone(&self.settings);
        let sni = names::sni(self.endpoint.host()).filter(|_| settings.sni).map(str::to_owned);
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

        progress.phase = Phase::Handshake;
        let secured = prepared.handshake(transport).await.map_err(failed)?;
        if let Err((phase, fault)) = self.accept(&secured) {
            progress.phase = phase;
            close(secured.transport).await;
            return Err(failed(fault.into()));
        }
        let binding = binding::tls_server_end_point(&secured.certificate);
        Ok(Stream::encrypted(secured.transport, binding))
    }

    /// What libpq asks once the handshake is complete: ALPN, and the names.
    fn accept(&self, secured: &tls::Secured) -> Result<(), (Phase, Fault)> {
        match &secured.alpn {
            // Servers before 17 do not know ALPN, and libpq insists only where nothing else says "PostgreSQL".
            None if !self.settings.direct => {}
            _ if secured.is_postgresql() => {}
            None => return Err((Phase::Handshake, Fault::Alpn("none".to_owned()))),
            Some(other) => {
                return Err((
                    Phase::Handshake,
                    Fault::Alpn(format!("\"{}\"", other.escape_ascii())),
                ));
            }
        }
        if self.settings.mode == SslMode::VerifyFull {
            names::verify(&secured.certificate, self.endpoint.host())
                .map_err(|error| (Phase::Name, error.into()))?;
        }
        Ok(())
    }
}

/// What an SSLRequest led to.
enum Negotiated {
    Encrypted(Stream),
    Refused { transport: Box<dyn Transport>, behind: Vec<u8> },
}

pub(crate) fn no_backend() -> Fault {
    Fault::Configuration(
        "no TLS backend is compiled in or given: see the crate's features".to_owned(),
    )
}
