//! How connections are opened: by TCP and Unix sockets, or by whatever an application has.
//!
//! A [`Connector`](crate::Connector) opens every connection by its dialer: the first one, the second one that a mode
//! falls back to, and that of a cancel request. The default is TCP (and Unix sockets, where there are any). One of your
//! own makes connections through a proxy, or in memory:
//!
//! ```
//! use std::sync::Arc;
//!
//! use pgtls_connector::Connector;
//! use pgtls_connector::dial::{Dial, DialFuture, Endpoint, Transport};
//! use tokio::io::DuplexStream;
//! use tokio::sync::mpsc;
//!
//! /// Gives the other end of each connection to a server in this process.
//! struct InMemory(mpsc::UnboundedSender<DuplexStream>);
//!
//! impl Dial for InMemory {
//!     fn dial<'a>(&'a self, _: &'a Endpoint) -> DialFuture<'a, Box<dyn Transport>> {
//!         let (ours, theirs) = tokio::io::duplex(64 * 1024);
//!         let sent = self.0.send(theirs).map_err(|_| std::io::ErrorKind::ConnectionRefused.into());
//!         Box::pin(async move { sent.map(|()| Box::new(ours) as Box<dyn Transport>) })
//!     }
//! }
//!
//! let (connections, _accepted) = mpsc::unbounded_channel();
//! let connector = Connector::from_url("host=db.example user=app")?
//!     .with_dialer(Arc::new(InMemory(connections)));
//! # let _ = connector;
//! # Ok::<(), pgtls_connector::Error>(())
//! ```

use std::io;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};

pub use crate::endpoint::Endpoint;

/// A stream of bytes in both directions that can carry a session.
///
/// It should take vectored writes ([`AsyncWrite::poll_write_vectored`]), as tokio's own streams do: tokio-rustls writes
/// the alert that refuses a certificate by one call, and leaves out what one call does not take.
pub trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// What a dialer gives in time. The connector bounds it by `connect_timeout`, and drops it then.
pub type DialFuture<'a, T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send + 'a>>;

/// Opens connections.
pub trait Dial: Send + Sync {
    /// Opens one connection, on which nothing has been sent or read.
    ///
    /// # Errors
    /// It cannot be opened. The connector then goes on to the next address, and says this reason.
    fn dial<'a>(&'a self, endpoint: &'a Endpoint) -> DialFuture<'a, Box<dyn Transport>>;

    /// The addresses of a host that has none yet (an endpoint without [`address`](Endpoint::address) and
    /// [`socket_path`](Endpoint::socket_path)), in the order in which they are to be tried, each by
    /// [`Endpoint::at`]. By default there is no lookup, and [`dial`](Dial::dial) is given the host's name.
    ///
    /// # Errors
    /// The host is not known. The connector then goes on to the next host, and says this reason.
    fn resolve<'a>(&'a self, endpoint: &'a Endpoint) -> DialFuture<'a, Vec<Endpoint>> {
        Box::pin(std::future::ready(Ok(vec![endpoint.clone()])))
    }
}
