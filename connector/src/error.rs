//! What went wrong: at which phase, with which host and address, and why.

mod attempt;
mod fault;
mod phase;

use std::error::Error as StdError;
use std::fmt;

pub use attempt::Attempt;
pub(crate) use attempt::{Cause, Place};
pub(crate) use fault::Fault;
pub use phase::Phase;

/// Why no connection (or no cancel request) came about.
///
/// It tells every attempt that was made, in order; [`phase`](Error::phase), [`source`](StdError::source) and the
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
            true => Error::one(Attempt::new(None, false, Phase::Configuration, otherwise)),
            false => Error { attempts },
        }
    }

    pub(crate) fn configuration(text: impl Into<String>) -> Error {
        Error::one(Attempt::new(
            None,
            false,
            Phase::Configuration,
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

    /// The phase at which the last attempt failed.
    pub fn phase(&self) -> Phase {
        self.last().phase()
    }

    /// Whether the settings themselves are at fault, so that no connection was tried.
    pub fn is_configuration(&self) -> bool {
        self.phase() == Phase::Configuration
    }

    /// Whether `connect_timeout` (or the cancel request's timeout) ran out.
    pub fn is_timeout(&self) -> bool {
        matches!(self.last().fault(), Some(Fault::TimedOut(_)))
    }

    /// Whether no connection could be opened at all: the name is not known, or nobody answers at its addresses.
    ///
    /// A connection that was opened and on which nothing more came is [`is_timeout`](Error::is_timeout).
    pub fn is_unreachable(&self) -> bool {
        matches!(self.phase(), Phase::Resolve | Phase::Connect)
    }

    /// Whether the files at fault are ours: the root file, the client certificate, its key, a revocation list.
    pub fn is_credentials(&self) -> bool {
        self.phase() == Phase::Credentials
    }

    /// Whether the server rejected the login (a wrong password, say, or no pg_hba.conf entry); what it said is
    /// [`db_error`](Error::db_error).
    pub fn is_rejected(&self) -> bool {
        self.phase() == Phase::Login && self.db_error().is_some()
    }

    /// Whether the server does not speak TLS and the mode demands it.
    pub fn is_tls_refused(&self) -> bool {
        matches!(self.last().fault(), Some(Fault::TlsRefused))
    }

    /// Whether the TLS handshake failed: the server's certificate, an alert, or bytes that are not TLS.
    pub fn is_handshake(&self) -> bool {
        self.phase() == Phase::Handshake
    }

    /// Whether no name in the server's certificate matches the host.
    pub fn is_name_mismatch(&self) -> bool {
        self.phase() == Phase::Name
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

#[cfg(test)]
mod tests;
