//! Connection URLs: how clients that take one are told where a server is.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::pki::CLIENT_USER;

/// What is escaped in a URL: all but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same in a query, where a path stays readable.
const RESERVED_IN_QUERY: &AsciiSet = &RESERVED.remove(b'/');

/// The name of a server that listens there: one that stands in the certificates for 127.0.0.1 and for
/// every address, else the address.
pub(crate) fn host(ip: IpAddr) -> String {
    if ip == Ipv4Addr::LOCALHOST || ip.is_unspecified() {
        "localhost".to_owned()
    } else {
        ip.to_string()
    }
}

/// A URL without parameters.
pub(crate) fn base(address: SocketAddr, password: &str) -> String {
    let host = host(address.ip());
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    let password = utf8_percent_encode(password, RESERVED);
    format!("postgresql://{CLIENT_USER}:{password}@{host}:{}/postgres", address.port())
}

/// The same with `sslmode`, and with the root that it is to trust.
pub(crate) fn with_sslmode(base: &str, sslmode: &str, root: Option<&Path>) -> String {
    let sslmode = utf8_percent_encode(sslmode, RESERVED);
    let root = root.map(|path| path.to_string_lossy());
    let root = root.as_deref().map(|path| utf8_percent_encode(path, RESERVED_IN_QUERY));
    let root = root.map(|root| format!("&sslrootcert={root}")).unwrap_or_default();
    format!("{base}?sslmode={sslmode}{root}")
}
