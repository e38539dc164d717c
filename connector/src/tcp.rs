//! The default dialer: TCP, and Unix sockets where the platform has them.

use std::io;
use std::path::Path;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

use crate::config::TcpOptions;
use crate::dial::{Dial, DialFuture, Transport};
use crate::endpoint::Endpoint;

/// Opens sockets with the options that the settings name.
pub(crate) struct Tcp {
    options: TcpOptions,
}

impl Tcp {
    pub(crate) fn new(options: TcpOptions) -> Tcp {
        Tcp { options }
    }
}

impl Dial for Tcp {
    fn dial<'a>(&'a self, endpoint: &'a Endpoint) -> DialFuture<'a, Box<dyn Transport>> {
        Box::pin(async move {
            if let Some(path) = endpoint.socket_path() {
                return open_unix(path).await;
            }
            let socket = match endpoint.address() {
                Some(address) => TcpStream::connect(address).await?,
                None => TcpStream::connect((endpoint.host(), endpoint.port())).await?,
            };
            set_options(&socket, &self.options)?;
            Ok(Box::new(socket) as Box<dyn Transport>)
        })
    }

    fn resolve<'a>(&'a self, endpoint: &'a Endpoint) -> DialFuture<'a, Vec<Endpoint>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((endpoint.host(), endpoint.port())).await?;
            Ok(found.map(|address| endpoint.at(address)).collect())
        })
    }
}

#[cfg(unix)]
async fn open_unix(path: &Path) -> io::Result<Box<dyn Transport>> {
    Ok(Box::new(tokio::net::UnixStream::connect(path).await?))
}

#[cfg(not(unix))]
async fn open_unix(_: &Path) -> io::Result<Box<dyn Transport>> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "there are no Unix sockets on this platform"))
}

fn set_options(socket: &TcpStream, options: &TcpOptions) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let raw = SockRef::from(socket);
    if options.keepalives {
        raw.set_keepalive(true)?;
        let mut keepalive = TcpKeepalive::new();
        if let Some(idle) = options.idle {
            keepalive = keepalive.with_time(idle);
        }
        if let Some(interval) = options.interval {
            keepalive = keepalive.with_interval(interval);
        }
        if let Some(count) = options.count {
            keepalive = keepalive.with_retries(count);
        }
        if options.idle.is_some() || options.interval.is_some() || options.count.is_some() {
            raw.set_tcp_keepalive(&keepalive)?;
        }
    }
    #[cfg(target_os = "linux")]
    raw.set_tcp_user_timeout(options.user_timeout)?;
    Ok(())
}
