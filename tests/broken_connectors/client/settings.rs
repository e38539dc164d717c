//! What a connect call asks for, as libpq reads it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use pgtls_conformance::shim::Connect;

use super::fault::Fault;

/// What encryption and verification are asked for, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// Channel binding, as asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binding {
    Disable,
    Prefer,
    Require,
}

/// One connect call.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) mode: Mode,
    pub(super) direct: bool,
    /// The root file, if there is one.
    pub(super) roots: Option<PathBuf>,
    pub(super) binding: Binding,
    pub(super) host: String,
    pub(super) user: String,
    pub(super) password: String,
    pub(super) dbname: String,
    pub(super) query: String,
    pub(super) timeout: Duration,
    fault: Option<Fault>,
}

impl Settings {
    /// Reads them; the error is what libpq says before it connects.
    pub(super) fn of(connect: &Connect, fault: Option<Fault>) -> Result<Self, String> {
        let mode = match connect.sslmode.as_deref() {
            None | Some("prefer") => Mode::Prefer,
            Some("disable") => Mode::Disable,
            Some("allow") => Mode::Allow,
            Some("require") => Mode::Require,
            Some("verify-ca") => Mode::VerifyCa,
            Some("verify-full") => Mode::VerifyFull,
            Some(other) => return Err(format!("invalid sslmode value: \"{other}\"")),
        };
        let direct = match connect.sslnegotiation.as_deref() {
            None | Some("postgres") => false,
            Some("direct") if mode >= Mode::Require => true,
            Some(other) => return Err(format!("invalid sslnegotiation value: \"{other}\"")),
        };
        let binding = match connect.channel_binding.as_deref() {
            None | Some("prefer") => Binding::Prefer,
            Some("disable") => Binding::Disable,
            Some("require") => Binding::Require,
            Some(other) => return Err(format!("invalid channel_binding value: \"{other}\"")),
        };
        let roots = connect.sslrootcert.as_deref().filter(|file| Path::new(file).exists());
        Ok(Self {
            mode,
            direct,
            roots: roots.map(PathBuf::from),
            binding,
            host: connect.host.clone(),
            user: connect.user.clone(),
            password: connect.password.clone(),
            dbname: connect.dbname.clone(),
            query: connect.query.clone(),
            timeout: Duration::from_millis(connect.timeout_ms),
            fault,
        })
    }

    /// Whether the connector is broken in this way.
    pub(super) fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// In which way it is broken, if it is.
    pub(super) const fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// Whether encryption was demanded.
    pub(super) fn demands_tls(&self) -> bool {
        self.mode >= Mode::Require
    }

    /// Whether the chain was asked to be verified.
    pub(super) fn verifies(&self) -> bool {
        self.mode >= Mode::VerifyCa
    }
}
