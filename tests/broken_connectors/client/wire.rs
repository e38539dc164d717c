//! The channel to the server, encrypted or not, and the messages on it.

use std::io;

use pgtls_conformance::runner::{Network, Stream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::{TlsConnector, client::TlsStream, rustls::pki_types::ServerName};

use super::{fault::Fault, settings::Settings};

/// As long as a message may be: what an honest answer to one number never comes near.
const LONGEST: usize = 1 << 20;
/// As much as a connection may bring: as many bytes as that are no login and no answer, and a server
/// that never ends is no reason not to.
const MOST: usize = 16 << 20;

#[derive(Debug)]
enum Channel {
    Clear(Stream),
    Tls(Box<TlsStream<Stream>>),
}

/// A connection, encrypted or not.
#[derive(Debug)]
pub(super) struct Connection {
    channel: Channel,
    /// Read, and not yet taken.
    pub(super) inbox: Vec<u8>,
    /// How much was read altogether.
    brought: usize,
    fault: Option<Fault>,
}

impl Connection {
    /// Opens one.
    pub(super) async fn open(settings: &Settings, network: &Network) -> Result<Self, String> {
        let stream = network.dial().await.map_err(|error| error.to_string())?;
        let (inbox, fault) = (Vec::new(), settings.fault());
        Ok(Self { channel: Channel::Clear(stream), inbox, brought: 0, fault })
    }

    /// Goes over to TLS; what was read before stays where it is.
    pub(super) async fn secure(
        self,
        connector: &TlsConnector,
        name: ServerName<'static>,
    ) -> io::Result<Self> {
        let Channel::Clear(stream) = self.channel else {
            return Err(io::Error::other("encrypted twice"));
        };
        let channel = Channel::Tls(Box::new(connector.connect(name, stream).await?));
        Ok(Self { channel, ..self })
    }

    /// The TLS session, if there is one.
    pub(super) fn tls(&self) -> Option<&tokio_rustls::rustls::ClientConnection> {
        match &self.channel {
            Channel::Clear(_) => None,
            Channel::Tls(stream) => Some(stream.get_ref().1),
        }
    }

    /// Whether there is a TLS session.
    pub(super) fn is_encrypted(&self) -> bool {
        self.tls().is_some()
    }

    /// Whether the connector is broken in this way.
    pub(super) fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        let sent = match &mut self.channel {
            Channel::Clear(stream) => stream.write_all(bytes).await,
            Channel::Tls(stream) => match stream.write_all(bytes).await {
                Ok(()) => stream.flush().await,
                failed => failed,
            },
        };
        sent.map_err(|error| error.to_string())
    }

    /// Reads what there is, as libpq does: not one byte alone.
    async fn fill(&mut self) -> Result<(), String> {
        let mut buffer = [0; 16 << 10];
        let read = match &mut self.channel {
            Channel::Clear(stream) => stream.read(&mut buffer).await,
            Channel::Tls(stream) => stream.read(&mut buffer).await,
        };
        let read = read.map_err(|error| error.to_string())?;
        self.brought += read;
        if read == 0 {
            return Err("server closed the connection unexpectedly".to_owned());
        }
        if self.brought > MOST {
            return Err("the server sends without end".to_owned());
        }
        self.inbox.extend_from_slice(&buffer[..read]);
        Ok(())
    }

    /// Reads until the server leaves, and keeps it.
    pub(super) async fn fill_up(&mut self) -> Result<(), String> {
        loop {
            self.fill().await?;
        }
    }

    /// Reads until the server leaves.
    pub(super) async fn drain(&mut self) {
        while self.fill().await.is_ok() {
            self.inbox.clear();
        }
    }

    /// One byte.
    pub(super) async fn byte(&mut self) -> Result<u8, String> {
        while self.inbox.is_empty() {
            self.fill().await?;
        }
        Ok(self.inbox.remove(0))
    }

    /// One message: its type and its body.
    pub(super) async fn message(&mut self) -> Result<(u8, Vec<u8>), String> {
        loop {
            if let Some((&[tag, a, b, c, d], _)) = self.inbox.split_first_chunk() {
                let size = u32::from_be_bytes([a, b, c, d]) as usize;
                if self.has(Fault::SubtractsFromTheLength) {
                    assert!(size >= 4, "attempt to subtract with overflow");
                }
                if self.has(Fault::TrustsTheLength) && size <= i32::MAX as usize {
                    // Behind what is there, as one reads straight into where it belongs.
                    self.inbox.reserve(size);
                } else if !(4..LONGEST).contains(&size) {
                    return Err(format!("message type {tag:#x} of {size} bytes is none"));
                }
                if size >= 4 && self.inbox.len() > size {
                    let rest = self.inbox.split_off(1 + size);
                    let message = std::mem::replace(&mut self.inbox, rest);
                    return Ok((tag, message[5..].to_vec()));
                }
            }
            self.fill().await?;
        }
    }

    /// Leaves in good order.
    pub(super) async fn close(mut self) {
        // The server may be gone already.
        let _ = match &mut self.channel {
            Channel::Clear(stream) => stream.shutdown().await,
            Channel::Tls(stream) => stream.shutdown().await,
        };
    }
}

/// A message: its type, its length, its body.
pub(super) fn framed(tag: u8, body: &[u8]) -> Vec<u8> {
    [&[tag], &length(body)[..], body].concat()
}

/// A first packet: its length, its body.
pub(super) fn packet(body: &[u8]) -> Vec<u8> {
    [&length(body)[..], body].concat()
}

fn length(body: &[u8]) -> [u8; 4] {
    u32::try_from(4 + body.len()).unwrap_or(u32::MAX).to_be_bytes()
}
