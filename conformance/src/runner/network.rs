//! The way from a driver in this process to its server, and what it finds around it.

use std::{
    io,
    path::Path,
    pin::Pin,
    task::{Context, Poll},
};

use pgtls_mock_server::{Dialer, MemoryStream};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::busy_clock::BusyClock;
use crate::shim::{ClientEnvironment, Connect};

/// How a driver comes to the server that it was asked to connect to, and which files it has to take
/// for the system's own. Cheap to clone: a driver may keep one for further connections.
#[derive(Debug, Clone)]
pub struct Network {
    way: Way,
    client_environment: Option<ClientEnvironment>,
}

#[derive(Debug, Clone)]
enum Way {
    Tcp { host: String, port: u16 },
    Memory(Dialer, BusyClock),
}

impl Network {
    /// TCP to where the request says, and around it what this process's own environment says: for a
    /// driver that is a process of its own.
    #[must_use]
    pub fn tcp(request: &Connect) -> Self {
        let host = request.hostaddr.as_ref().unwrap_or(&request.host).clone();
        Self { way: Way::Tcp { host, port: request.port }, client_environment: None }
    }

    pub(super) const fn in_memory(
        dialer: Dialer,
        clock: BusyClock,
        client_environment: ClientEnvironment,
    ) -> Self {
        Self { way: Way::Memory(dialer, clock), client_environment: Some(client_environment) }
    }

    /// Opens a connection to the server: the first one, that of a retry, or that of a cancel request.
    ///
    /// # Errors
    ///
    /// If the server cannot be reached, or is gone.
    pub async fn dial(&self) -> io::Result<Stream> {
        match &self.way {
            Way::Tcp { host, port } => {
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
                stream.set_nodelay(true)?;
                Ok(Stream(Transport::Tcp(stream)))
            }
            Way::Memory(dialer, clock) => {
                Ok(Stream(Transport::Memory(dialer.dial().await?, clock.clone())))
            }
        }
    }

    /// Whether there is no socket: [`dial`](Self::dial) is the one way to the server.
    #[must_use]
    pub const fn is_in_memory(&self) -> bool {
        matches!(self.way, Way::Memory(..))
    }

    /// The file of the system's certificate store, in place of `SSL_CERT_FILE`; `None` where that
    /// variable says it.
    #[must_use]
    pub fn ssl_cert_file(&self) -> Option<&Path> {
        self.client_environment.as_ref().map(|found| found.ssl_cert_file.as_path())
    }

    /// The folder of the system's certificate store, in place of `SSL_CERT_DIR`; `None` where that
    /// variable says it.
    #[must_use]
    pub fn ssl_cert_dir(&self) -> Option<&Path> {
        self.client_environment.as_ref().map(|found| found.ssl_cert_dir.as_path())
    }
}

/// An open connection to a cell's server.
#[derive(Debug)]
pub struct Stream(Transport);

#[derive(Debug)]
enum Transport {
    Tcp(TcpStream),
    Memory(MemoryStream, BusyClock),
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Transport::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Transport::Memory(stream, clock) => {
                clock.look();
                Pin::new(stream).poll_read(context, buffer)
            }
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Transport::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Transport::Memory(stream, _) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Transport::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Transport::Memory(stream, _) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Transport::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Transport::Memory(stream, _) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
