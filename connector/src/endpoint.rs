//! One place to connect to: a host as the settings name it, and where it is as far as that is known.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// One entry of the host list, or one address of it.
///
/// It [displays](fmt::Display) as the address where one is known, and as `host:port` otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    host: String,
    port: u16,
    location: Location,
}

/// Where a host is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Location {
    /// Nobody has looked the name up.
    ByName,
    Address(SocketAddr),
    /// The Unix socket itself, not its folder.
    Socket(PathBuf),
}

impl Endpoint {
    /// A host that is to be looked up.
    pub(crate) fn by_name(host: String, port: u16) -> Endpoint {
        Endpoint { host, port, location: Location::ByName }
    }

    /// A Unix socket in the folder that `host` names (PostgreSQL's `UNIXSOCK_PATH`).
    pub(crate) fn in_folder(host: String, port: u16) -> Endpoint {
        let path = Path::new(&host).join(format!(".s.PGSQL.{port}"));
        Endpoint { host, port, location: Location::Socket(path) }
    }

    /// The same host at this address, the port included: what a [`Dial::resolve`](crate::dial::Dial::resolve) of one's own
    /// returns.
    #[must_use]
    pub fn at(&self, address: SocketAddr) -> Endpoint {
        Endpoint {
            host: self.host.clone(),
            port: address.port(),
            location: Location::Address(address),
        }
    }

    /// The host as it stands in `host`; empty where only `hostaddr` is given. SNI and `verify-full` go by it.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The TCP port, or the number in the Unix socket's name.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `hostaddr`, or an address that a lookup gave; none before the lookup, and for Unix sockets.
    pub fn address(&self) -> Option<SocketAddr> {
        match self.location {
            Location::Address(address) => Some(address),
            Location::ByName | Location::Socket(_) => None,
        }
    }

    /// The path of the Unix socket, where it is one. No TLS is spoken there, whatever the mode.
    pub fn socket_path(&self) -> Option<&Path> {
        match &self.location {
            Location::Socket(path) => Some(path),
            Location::ByName | Location::Address(_) => None,
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Location::ByName => write!(f, "{}:{}", self.host, self.port),
            Location::Address(address) => address.fmt(f),
            Location::Socket(path) => path.display().fmt(f),
        }
    }
}
