//! The options of one connect call, parsed as libpq 18 parses them.

use std::{
    net::{IpAddr, SocketAddr, ToSocketAddrs as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::{contract::Connect, fault::Fault};

/// What encryption and verification are asked for, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// What a chain has to end in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Roots {
    /// No file is there.
    Absent,
    File(PathBuf),
    System,
}

/// Channel binding, as asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binding {
    Disable,
    Prefer,
    Require,
}

/// One connect call.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) mode: Mode,
    pub(crate) direct: bool,
    pub(crate) roots: Roots,
    pub(crate) binding: Binding,
    pub(crate) host: String,
    pub(crate) address: SocketAddr,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) dbname: String,
    pub(crate) query: String,
    /// Certificate and key.
    pub(crate) identity: Option<(PathBuf, PathBuf)>,
    pub(crate) crl: Option<PathBuf>,
    pub(crate) cancels: bool,
    /// When connecting has to be done.
    pub(crate) until: Instant,
    fault: Option<Fault>,
}

impl Settings {
    /// Parses the options; the error is what libpq says before it connects.
    pub(crate) fn parse(connect: &Connect, fault: Option<Fault>) -> Result<Self, String> {
        let system = connect.sslrootcert.as_deref() == Some("system");
        let mode = match connect.sslmode.as_deref() {
            None if system => Mode::VerifyFull,
            None | Some("prefer") => Mode::Prefer,
            Some("disable") => Mode::Disable,
            Some("allow") => Mode::Allow,
            Some("require") => Mode::Require,
            Some("verify-ca") => Mode::VerifyCa,
            Some("verify-full") => Mode::VerifyFull,
            Some(_) if fault == Some(Fault::ConnectsOnNonsense) => Mode::Prefer,
            Some(other) => return Err(format!("invalid sslmode value: \"{other}\"")),
        };
        if system && mode != Mode::VerifyFull {
            return Err("weak sslmode may not be used with sslrootcert=system".to_owned());
        }
        let direct = match connect.sslnegotiation.as_deref() {
            None | Some("postgres") => false,
            Some("direct") => true,
            Some(other) => return Err(format!("invalid sslnegotiation value: \"{other}\"")),
        };
        if direct && mode < Mode::Require {
            return Err("weak sslmode may not be used with sslnegotiation=direct".to_owned());
        }
        let binding = match connect.channel_binding.as_deref() {
            None | Some("prefer") => Binding::Prefer,
            Some("disable") => Binding::Disable,
            Some("require") => Binding::Require,
            Some(other) => return Err(format!("invalid channel_binding value: \"{other}\"")),
        };
        let roots = match connect.sslrootcert.as_deref() {
            Some("system") => Roots::System,
            Some(file) if Path::new(file).exists() => Roots::File(file.into()),
            _ => Roots::Absent,
        };
        Ok(Self {
            mode,
            direct,
            roots,
            binding,
            host: connect.host.clone(),
            address: address(connect)?,
            user: connect.user.clone(),
            password: connect.password.clone(),
            dbname: connect.dbname.clone(),
            query: connect.query.clone(),
            identity: connect
                .sslcert
                .as_ref()
                .zip(connect.sslkey.as_ref())
                .map(|(certificate, key)| (certificate.into(), key.into())),
            crl: connect.sslcrl.as_ref().map(PathBuf::from).filter(|file| file.exists()),
            cancels: connect.then.as_deref() == Some("cancel"),
            until: Instant::now() + Duration::from_millis(connect.timeout_ms),
            fault,
        })
    }

    /// Whether the client has that fault.
    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// Whether encryption was demanded.
    pub(crate) fn demands_tls(&self) -> bool {
        self.mode >= Mode::Require
    }

    /// Whether the chain was asked to be verified.
    pub(crate) fn verifies(&self) -> bool {
        self.mode >= Mode::VerifyCa
    }
}

fn address(connect: &Connect) -> Result<SocketAddr, String> {
    if let Some(address) = &connect.hostaddr {
        let address: IpAddr =
            address.parse().map_err(|_| format!("could not parse \"{address}\""))?;
        return Ok((address, connect.port).into());
    }
    (connect.host.as_str(), connect.port)
        .to_socket_addrs()
        .map_err(|error| format!("could not translate host name \"{}\": {error}", connect.host))?
        .find(SocketAddr::is_ipv4)
        .ok_or_else(|| format!("no address for \"{}\"", connect.host))
}
