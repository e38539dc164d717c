//! What went wrong: at which step, with which host and address, and why.

use std::error::Error as StdError;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The step at which an attempt failed, in the order in which they are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Step {
    /// Reading the settings; nothing was sent.
    Configuration,
    /// Looking up the host name.
    Resolve,
    /// Opening the socket.
    Connect,
    /// Asking for TLS with an SSLRequest and reading the answer's one byte.
    Negotiate,
    /// Loading the root file, the client certificate, its key or the CRL.
    Credentials,
    /// The TLS handshake, the verification of the certificate chain included.
    Handshake,
    /// Matching the host against the names in the certificate.
    Name,
    /// From the StartupMessage to ReadyForQuery.
    Login,
    /// Asking whether the session is what `target_session_attrs` wants.
    Session,
    /// Sending a cancel request.
    Cancel,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Step::Configuration => "configuration",
            Step::Resolve => "name lookup",
            Step::Connect => "opening the socket",
            Step::Negotiate => "TLS negotiation",
            Step::Credentials => "TLS credentials",
            Step::Handshake => "TLS handshake",
            Step::Name => "host name check",
            Step::Login => "login",
            Step::Session => "session check",
            Step::Cancel => "cancel request",
        })
    }
}

/// Where one attempt went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) host: String,
    pub(crate) address: Option<String>,
}

/// One attempt that failed: a host, an address, plaintext or TLS, and the reason.
#[derive(Debug, Clone)]
pub struct Attempt {
    place: Option<Place>,
    encrypted: bool,
    step: Step,
    cause: Arc<dyn StdError + Send + Sync>,
}

impl Attempt {
    pub(crate) fn new(
        place: Option<Place>,
        encrypted: bool,
        step: Step,
        cause: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Attempt {
        Attempt { place, encrypted, step, cause: Arc::from(cause.into()) }
    }

    /// The host as it was configured; none before any host was chosen.
    pub fn host(&self) -> Option<&str> {
        self.place.as_ref().map(|place| place.host.as_str())
    }

    /// The address that was tried, `IP:port` or a socket's path; none before the lookup ended.
    pub fn address(&self) -> Option<&str> {
        self.place.as_ref().and_then(|place| place.address.as_deref())
    }

    /// Whether this attempt was to use TLS.
    pub fn encrypted(&self) -> bool {
        self.encrypted
    }

    /// The step that failed.
    pub fn step(&self) -> Step {
        self.step
    }

    /// The reason.
    pub fn cause(&self) -> &(dyn StdError + Send + Sync + 'static) {
        &*self.cause
    }

    /// The reason, where it is one of ours.
    fn fault(&self) -> Option<&Fault> {
        self.cause().downcast_ref()
    }

    /// What stands below this level: a library's reason, or what is below ours.
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self.fault() {
            Some(fault) => fault.source(),
            None => Some(self.cause()),
        }
    }

    /// The attempt with everything that is below it.
    fn whole(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        let mut source = self.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

/// Where and at which step, and the reason where it is not a library's, which is the [`cause`](Attempt::cause).
impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{}", place.host)?;
            if let Some(address) = &place.address {
                write!(f, " ({address})")?;
            }
            f.write_str(if self.encrypted { " with TLS: " } else { " in plaintext: " })?;
        }
        write!(f, "{}", self.step)?;
        match self.fault() {
            Some(fault) => write!(f, ": {fault}"),
            None => Ok(()),
        }
    }
}

/// Why no connection (or no cancel request) came about.
///
/// It tells every attempt that was made, in order; [`step`](Error::step), [`source`](StdError::source) and the
/// predicates speak of the last one, after which nothing more was allowed. What a library said of that one stands in the
/// sources and not in the text, so that a reporter which walks the sources tells everything, once. Text that a server sent
/// before TLS is never in it under `require` and stronger: such text is not even read.
#[derive(Debug, Clone)]
pub struct Error {
    /// Never empty.
    attempts: Vec<Attempt>,
}

impl Error {
    pub(crate) fn one(attempt: Attempt) -> Error {
        Error { attempts: vec![attempt] }
    }

    /// `attempts` in order; where there are none, `otherwise` is the reason.
    pub(crate) fn all(attempts: Vec<Attempt>, otherwise: Fault) -> Error {
        match attempts.is_empty() {
            true => Error::one(Attempt::new(None, false, Step::Configuration, otherwise)),
            false => Error { attempts },
        }
    }

    pub(crate) fn configuration(text: impl Into<String>) -> Error {
        Error::one(Attempt::new(
            None,
            false,
            Step::Configuration,
            Fault::Configuration(text.into()),
        ))
    }

    /// Every attempt that failed, in order; at least one.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    fn last(&self) -> &Attempt {
        &self.attempts[self.attempts.len() - 1]
    }

    /// The step at which the last attempt failed.
    pub fn step(&self) -> Step {
        self.last().step
    }

    /// Whether the settings themselves are at fault, so that no connection was tried.
    pub fn is_configuration(&self) -> bool {
        self.step() == Step::Configuration
    }

    /// Whether `connect_timeout` (or the cancel request's timeout) ran out.
    pub fn is_timeout(&self) -> bool {
        matches!(self.last().fault(), Some(Fault::TimedOut(_)))
    }

    /// Whether the server does not speak TLS and the mode demands it.
    pub fn is_tls_refused(&self) -> bool {
        matches!(self.last().fault(), Some(Fault::TlsRefused))
    }

    /// Whether the TLS handshake failed: the server's certificate, an alert, or bytes that are not TLS.
    pub fn is_handshake(&self) -> bool {
        self.step() == Step::Handshake
    }

    /// Whether no name in the server's certificate matches the host.
    pub fn is_name_mismatch(&self) -> bool {
        self.step() == Step::Name
    }

    /// Whether plaintext was found where only TLS may follow: somebody stands in between.
    pub fn is_injection(&self) -> bool {
        matches!(self.last().fault(), Some(Fault::Injected(_)))
    }

    /// What the server said when it rejected the login, if that is how the last attempt ended.
    pub fn db_error(&self) -> Option<&tokio_postgres::error::DbError> {
        find::<tokio_postgres::Error>(self.last().cause())
            .and_then(tokio_postgres::Error::as_db_error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let earlier = &self.attempts[..self.attempts.len() - 1];
        if !earlier.is_empty() {
            write!(f, "{} attempts failed: ", self.attempts.len())?;
        }
        for attempt in earlier {
            // Nothing else leads to their sources.
            attempt.whole(f)?;
            f.write_str("; then ")?;
        }
        write!(f, "{}", self.last())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.last().source()
    }
}

fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// The reasons that are ours; those of the libraries travel as they are.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("{0}")]
    Configuration(String),
    #[error("no address is known for this name")]
    NoAddress,
    #[error("nothing more within {0:?}")]
    TimedOut(Duration),
    #[error("the server does not speak TLS (it answered N), and the mode asks for it")]
    TlsRefused,
    #[error(
        "the server answered the SSLRequest with an error; anybody could have sent that, so its text is not shown"
    )]
    ErrorBeforeTls,
    #[error("wanted S or N in answer to the SSLRequest, got byte 0x{0:02x}")]
    UnexpectedAnswer(u8),
    #[error("the server closed the connection without answering the SSLRequest")]
    NoAnswer,
    #[error(
        "plaintext ({0} bytes at least) behind the S that announces TLS: somebody may be injecting data into the connection"
    )]
    Injected(usize),
    #[error(
        "{mode} needs a root certificate, and there is none{}: set sslrootcert, or choose a mode that does not verify",
        .path.as_ref().map(|path| format!(" at {}", path.display())).unwrap_or_default()
    )]
    RootMissing { mode: &'static str, path: Option<PathBuf> },
    #[error("no certificate in {0}")]
    NoCertificate(String),
    #[error("{what} {path}", path = .path.display())]
    File { what: &'static str, path: PathBuf, source: std::io::Error },
    #[error("{what} {from} is not what it should be: {reason}")]
    BadFile { what: &'static str, from: String, reason: String },
    #[error("direct TLS needs ALPN \"postgresql\", and the server chose {0}")]
    Alpn(String),
    #[error("the server showed no certificate")]
    NoPeerCertificate,
    #[error(transparent)]
    Name(#[from] crate::names::Mismatch),
    #[error(transparent)]
    Login(#[from] crate::login::Violation),
    #[error("the server closed the connection before the login was decided")]
    ClosedInLogin,
    #[error("the session is not {0}, as target_session_attrs asks")]
    WrongSession(&'static str),
    #[error("the server gave no key by which its session could be cancelled")]
    NoCancelKey,
    #[error("no host is configured")]
    NoHost,
}

#[cfg(test)]
mod tests;
