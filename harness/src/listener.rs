//! The listener: a TCP socket, or its like in memory, whose connections are [`Wire`]s.

use std::{io, net::SocketAddr};

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream};

use crate::{
    Error, Wire,
    memory::{self, Dialer, Dialled},
};

/// How many connections are kept waiting: more than any client opens at once.
const BACKLOG: u16 = 1024;

/// Where connections come from: a TCP socket, or clients in this process. It closes when dropped.
#[derive(Debug)]
#[must_use = "a listener closes when dropped"]
pub struct Listener {
    source: Source,
    address: SocketAddr,
}

#[derive(Debug)]
enum Source {
    Tcp(TcpListener),
    Memory(Dialled),
}

impl Listener {
    /// Listens on `address`; port 0 lets the kernel choose a free one.
    ///
    /// # Errors
    ///
    /// [Listen](Error::is_listen) if the address is taken, foreign or forbidden.
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
            socket.listen(BACKLOG.into())?;
            let listener = TcpListener::from_std(socket.into())?;
            let address = listener.local_addr()?;
            Ok(Self { source: Source::Tcp(listener), address })
        };
        listen().map_err(|source| Error::listen(address, source))
    }

    /// A listener without a socket, and the dialer by which clients in this process come to it.
    ///
    /// The address is nominal: nobody listens on it. It is what [`address`](Self::address) says, and
    /// what peers seem to have.
    pub fn in_memory(address: SocketAddr) -> (Self, Dialer) {
        let (dialer, dialled) = memory::dialling(BACKLOG.into());
        (Self { source: Source::Memory(dialled), address }, dialer)
    }

    /// The address listened on, with the real port; in memory, the one it was given.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next connection, in the order in which they were made, and its peer's address.
    ///
    /// Cancel safe: a wait that is dropped loses no connection.
    ///
    /// # Errors
    ///
    /// Whatever `accept` gives, such as too many open files; the listener lives on.
    pub async fn accept(&self) -> io::Result<(Wire, SocketAddr)> {
        match &self.source {
            Source::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                Ok((Wire::new(stream), peer))
            }
            Source::Memory(dialled) => Ok((Wire::new(dialled.accept().await), self.address)),
        }
    }

    /// The next connection that is already waiting to be accepted, if there is one.
    ///
    /// Of a TCP socket it asks the kernel itself, so that no connection is missed which the reactor
    /// has not heard of yet.
    ///
    /// # Errors
    ///
    /// As [`accept`](Self::accept).
    pub fn accept_waiting(&self) -> io::Result<Option<(Wire, SocketAddr)>> {
        match &self.source {
            Source::Tcp(listener) => {
                let waiting = accept_waiting(listener)?;
                Ok(waiting.map(|(stream, peer)| (Wire::new(stream), peer.unwrap_or(self.address))))
            }
            Source::Memory(dialled) => {
                Ok(dialled.accept_waiting().map(|stream| (Wire::new(stream), self.address)))
            }
        }
    }
}

fn accept_waiting(listener: &TcpListener) -> io::Result<Option<(TcpStream, Option<SocketAddr>)>> {
    loop {
        return match SockRef::from(listener).accept() {
            Ok((socket, peer)) => {
                socket.set_nonblocking(true)?;
                Ok(Some((TcpStream::from_std(socket.into())?, peer.as_socket())))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
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

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

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
        let Source::Tcp(listener) = &listener.source else { unreachable!("it was bound") };
        let (stream, _) = listener.accept().await.expect("a connection");
        assert!(stream.nodelay().expect("an open socket"));
    }

    #[tokio::test]
    async fn what_was_dialled_waits_and_a_listener_that_is_gone_refuses() {
        let (listener, dialer) = Listener::in_memory(loopback());
        assert!(listener.accept_waiting().expect("no error").is_none());
        let mut accepted = dialer.dial().await.expect("a connection");
        let mut forgotten = dialer.clone().dial().await.expect("a connection");
        accepted.write_all(b"x").await.expect("room");
        let (mut wire, _) = listener.accept_waiting().expect("no error").expect("one waits");
        assert_eq!(wire.read_u8().await.expect("a byte"), b'x');
        drop(listener);
        let error = forgotten.read_u8().await.expect_err("it was reset");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        let error = dialer.dial().await.expect_err("nobody listens");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[tokio::test]
    async fn a_taken_port_is_an_error_that_names_it() {
        let listener = Listener::bind(loopback()).expect("a free port");
        let error = Listener::bind(listener.address()).expect_err("it is taken");
        assert!(error.is_listen() && error.is_address_in_use(), "{error:?}");
        assert_eq!(error.to_string(), format!("cannot listen on {}", listener.address()));
    }
}
