//! The listener: a TCP socket whose connections are [`Wire`]s.

use std::{io, net::SocketAddr};

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream};

use crate::{Error, Wire};

/// How many connections the kernel keeps waiting: more than any client opens at once.
const BACKLOG: i32 = 1024;

/// A listening TCP socket; closed when dropped.
#[derive(Debug)]
#[must_use = "a listener closes when dropped"]
pub struct Listener {
    inner: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Listens on `address`; port 0 lets the kernel choose a free one.
    ///
    /// # Errors
    ///
    /// [`Error::Listen`] if the address is taken, foreign or forbidden.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with I/O enabled.
    pub fn bind(address: SocketAddr) -> Result<Self, Error> {
        let listen = || -> io::Result<Self> {
            let socket =
                Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
            socket.set_nonblocking(true)?;
            // A fixed port is free again as soon as the last listener is gone.
            socket.set_reuse_address(true)?;
            // Accepted sockets inherit it, which saves a system call on each.
            socket.set_tcp_nodelay(true)?;
            ease_congestion_control(&socket);
            socket.bind(&address.into())?;
            socket.listen(BACKLOG)?;
            let inner = TcpListener::from_std(socket.into())?;
            let address = inner.local_addr()?;
            Ok(Self { inner, address })
        };
        listen().map_err(|source| Error::Listen { address, source })
    }

    /// The address listened on, with the real port.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next connection, in the order in which the kernel completed them.
    ///
    /// Cancel safe: a wait that is dropped loses no connection.
    ///
    /// # Errors
    ///
    /// Whatever `accept` gives, such as too many open files; the listener lives on.
    pub async fn accept(&self) -> io::Result<(Wire, SocketAddr)> {
        let (stream, peer) = self.inner.accept().await?;
        Ok((Wire::new(stream), peer))
    }

    /// The next connection that is already waiting in the kernel, if there is one.
    ///
    /// It asks the kernel itself, so that no connection is missed which the reactor has not heard of yet.
    ///
    /// # Errors
    ///
    /// As [`accept`](Self::accept).
    pub fn accept_waiting(&self) -> io::Result<Option<(Wire, SocketAddr)>> {
        loop {
            return match SockRef::from(&self.inner).accept() {
                Ok((socket, peer)) => {
                    socket.set_nonblocking(true)?;
                    let peer = peer.as_socket().unwrap_or(self.address);
                    Ok(Some((Wire::new(TcpStream::from_std(socket.into())?), peer)))
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
        }
    }
}

/// Asks for the simplest congestion control, for accepted sockets too: a loopback has no congestion,
/// and pacing (BBR) costs a timer for each segment. Where there is no choice, nothing is lost.
fn ease_congestion_control(socket: &Socket) {
    #[cfg(target_os = "linux")]
    if let Err(error) = socket.set_tcp_congestion(b"reno") {
        tracing::debug!(%error, "cannot choose the congestion control");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = socket;
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream as StdStream;

    use super::*;

    fn loopback() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 0))
    }

    #[tokio::test]
    async fn waiting_connections_are_found_without_the_reactor() {
        let listener = Listener::bind(loopback()).expect("a free port");
        assert!(listener.accept_waiting().expect("no error").is_none());
        let first = StdStream::connect(listener.address()).expect("a connection");
        let second = StdStream::connect(listener.address()).expect("a connection");
        for client in [first, second] {
            let (_wire, peer) = listener.accept_waiting().expect("no error").expect("one waits");
            assert_eq!(peer, client.local_addr().expect("an address"));
        }
        assert!(listener.accept_waiting().expect("no error").is_none());
    }

    #[tokio::test]
    async fn accepted_sockets_do_not_wait_to_fill_segments() {
        let listener = Listener::bind(loopback()).expect("a free port");
        let _client = StdStream::connect(listener.address()).expect("a connection");
        let (wire, _) = listener.accept().await.expect("a connection");
        assert!(wire.nodelay().expect("an open socket"));
    }

    #[tokio::test]
    async fn a_taken_port_is_an_error_that_names_it() {
        let listener = Listener::bind(loopback()).expect("a free port");
        let error = Listener::bind(listener.address()).expect_err("it is taken");
        assert_eq!(error.to_string(), format!("cannot listen on {}", listener.address()));
    }
}
