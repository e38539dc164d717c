//! One attempt that failed.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use super::fault::Fault;
use super::phase::Phase;

/// A reason before it is an attempt's: one of ours, or a library's as it is.
pub(crate) type Cause = Box<dyn StdError + Send + Sync>;

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
    phase: Phase,
    cause: Arc<dyn StdError + Send + Sync>,
}

impl Attempt {
    pub(crate) fn new(
        place: Option<Place>,
        encrypted: bool,
        phase: Phase,
        cause: impl Into<Cause>,
    ) -> Attempt {
        Attempt { place, encrypted, phase, cause: Arc::from(cause.into()) }
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

    /// The phase that failed.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The reason.
    pub fn cause(&self) -> &(dyn StdError + Send + Sync + 'static) {
        &*self.cause
    }

    /// The reason, where it is one of ours.
    pub(super) fn fault(&self) -> Option<&Fault> {
        self.cause().downcast_ref()
    }

    /// What stands below this level: a library's reason, or what is below ours.
    pub(super) fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self.fault() {
            Some(fault) => fault.source(),
            None => Some(self.cause()),
        }
    }

    /// The attempt with everything that is below it.
    pub(super) fn whole(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        let mut source = self.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

/// Where and at which phase, and the reason where it is not a library's, which is the [`cause`](Attempt::cause).
impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{}", place.host)?;
            if let Some(address) = &place.address {
                write!(f, " ({address})")?;
            }
            f.write_str(if self.encrypted { " with TLS: " } else { " in plaintext: " })?;
        }
        write!(f, "{}", self.phase)?;
        match self.fault() {
            Some(fault) => write!(f, ": {fault}"),
            None => Ok(()),
        }
    }
}
