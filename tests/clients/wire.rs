//! The wire: a TCP connection with a deadline, TLS over it once there is some, and messages on top.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    time::{Duration, Instant},
};

use openssl::ssl::{HandshakeError, Ssl, SslRef, SslStream};

use crate::settings::Settings;

/// How long a session may take once it is connected.
const SESSION: Duration = Duration::from_secs(2);
/// As long as a message may be.
const LONGEST: usize = 1 << 20;

/// A TCP connection on which every wait ends.
#[derive(Debug)]
pub(crate) struct Wire {
    tcp: TcpStream,
    until: Instant,
}

impl Wire {
    /// A read that returns `WouldBlock` when the time is up, which OpenSSL understands too.
    fn time_left(&self) -> io::Result<Duration> {
        match self.until.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(io::ErrorKind::WouldBlock.into()),
            left => Ok(left),
        }
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.tcp.set_read_timeout(Some(self.time_left()?))?;
        self.tcp.read(buffer)
    }
}

impl Write for Wire {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.tcp.set_write_timeout(Some(self.time_left()?))?;
        self.tcp.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tcp.flush()
    }
}

#[derive(Debug)]
enum Channel {
    Plain(Wire),
    Tls(Box<SslStream<Wire>>),
}

/// A connection, encrypted or not.
#[derive(Debug)]
pub(crate) struct Connection {
    channel: Channel,
    /// Read, and not yet taken.
    pub(crate) inbox: Vec<u8>,
}

/// A handshake that came to nothing.
#[derive(Debug)]
pub(crate) enum Unfinished {
    TimedOut,
    Failed(String),
}

impl Connection {
    /// Opens a TCP connection.
    pub(crate) fn open(settings: &Settings) -> io::Result<Self> {
        let left =
            settings.until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        let tcp = TcpStream::connect_timeout(&settings.address, left)?;
        tcp.set_nodelay(true)?;
        let wire = Wire { tcp, until: settings.until };
        Ok(Self { channel: Channel::Plain(wire), inbox: Vec::new() })
    }

    /// Goes over to TLS; what was read before stays where it is. If that fails, `last_words` are sent
    /// in clear.
    pub(crate) fn secure(self, ssl: Ssl, last_words: &[u8]) -> Result<Self, Unfinished> {
        let Channel::Plain(wire) = self.channel else {
            return Err(Unfinished::Failed("already encrypted".to_owned()));
        };
        match ssl.connect(wire) {
            Ok(stream) => Ok(Self { channel: Channel::Tls(Box::new(stream)), inbox: self.inbox }),
            Err(HandshakeError::WouldBlock(_)) => Err(Unfinished::TimedOut),
            Err(HandshakeError::Failure(mut broken)) => {
                let wire = broken.get_mut();
                if wire.write_all(last_words).is_ok() && !last_words.is_empty() {
                    // Whoever closes with bytes unread resets, and what was sent may be lost.
                    let _ = wire.tcp.shutdown(Shutdown::Write);
                    let _ = wire.read_to_end(&mut Vec::new());
                }
                Err(Unfinished::Failed(broken.error().to_string()))
            }
            Err(error) => Err(Unfinished::Failed(error.to_string())),
        }
    }

    /// The TLS session, if there is one.
    pub(crate) fn tls(&self) -> Option<&SslRef> {
        match &self.channel {
            Channel::Plain(_) => None,
            Channel::Tls(stream) => Some(stream.ssl()),
        }
    }

    fn wire(&mut self) -> &mut Wire {
        match &mut self.channel {
            Channel::Plain(wire) => wire,
            Channel::Tls(stream) => stream.get_mut(),
        }
    }

    /// The session begins: it has a time of its own.
    pub(crate) fn connected(&mut self) {
        self.wire().until = Instant::now() + SESSION;
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.channel {
            Channel::Plain(wire) => wire.write_all(bytes),
            Channel::Tls(stream) => stream.write_all(bytes),
        }
    }

    /// Sends past the TLS session, if there is one.
    pub(crate) fn send_in_clear(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.wire().write_all(bytes)
    }

    /// Reads what there is, as libpq does: not one byte alone.
    fn fill(&mut self) -> io::Result<()> {
        let mut buffer = [0; 16 << 10];
        let read = match &mut self.channel {
            Channel::Plain(wire) => wire.read(&mut buffer),
            Channel::Tls(stream) => stream.read(&mut buffer),
        };
        match read {
            Ok(0) => Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "server closed the connection unexpectedly",
            )),
            Ok(read) => {
                self.inbox.extend_from_slice(&buffer[..read]);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Err(io::Error::new(io::ErrorKind::TimedOut, "timeout expired"))
            }
            Err(error) => Err(error),
        }
    }

    /// One byte.
    pub(crate) fn byte(&mut self) -> io::Result<u8> {
        while self.inbox.is_empty() {
            self.fill()?;
        }
        Ok(self.inbox.remove(0))
    }

    /// One message: its type and its body.
    pub(crate) fn message(&mut self) -> io::Result<(u8, Vec<u8>)> {
        loop {
            if let Some((&[tag, a, b, c, d], _)) = self.inbox.split_first_chunk() {
                let size = u32::from_be_bytes([a, b, c, d]) as usize;
                if !(4..LONGEST).contains(&size) {
                    return Err(io::Error::other(format!(
                        "message type {tag:#x} of {size} bytes is none"
                    )));
                }
                if self.inbox.len() > size {
                    let rest = self.inbox.split_off(1 + size);
                    let message = std::mem::replace(&mut self.inbox, rest);
                    return Ok((tag, message[5..].to_vec()));
                }
            }
            self.fill()?;
        }
    }

    /// Reads until the server leaves.
    pub(crate) fn drain(&mut self) {
        while self.fill().is_ok() {
            self.inbox.clear();
        }
    }

    /// Reads until the server leaves, and keeps it.
    pub(crate) fn drain_into_inbox(&mut self) {
        while self.inbox.len() < LONGEST && self.fill().is_ok() {}
    }

    /// Leaves in good order.
    pub(crate) fn close(mut self) {
        if let Channel::Tls(stream) = &mut self.channel {
            // The server may be gone already.
            let _ = stream.shutdown();
        }
        let _ = self.wire().tcp.shutdown(Shutdown::Write);
    }
}

/// A message: its type, its length, its body.
pub(crate) fn framed(tag: u8, body: &[u8]) -> Vec<u8> {
    [&[tag], &length(body)[..], body].concat()
}

/// A first packet: its length, its body.
pub(crate) fn packet(body: &[u8]) -> Vec<u8> {
    [&length(body)[..], body].concat()
}

fn length(body: &[u8]) -> [u8; 4] {
    u32::try_from(4 + body.len()).unwrap_or(u32::MAX).to_be_bytes()
}
