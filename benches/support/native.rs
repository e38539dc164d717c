//! The limit of the other backend: a handshake of native-tls with the mock server's rustls, between two buffers.

use std::{
    io::{self, Cursor, ErrorKind, Read, Write},
    sync::Arc,
};

use native_tls::{Certificate, HandshakeError, TlsConnector};
use pgtls_mock_server::pki::Authority;
use rustls::{ServerConfig, ServerConnection};

use super::tls::KEY;

/// A client that verifies chain and name, as an application would build it.
///
/// # Panics
///
/// If the authority's root cannot be made, or native-tls refuses it.
pub(crate) fn client(authority: &Authority) -> TlsConnector {
    let root = authority.root(KEY).expect("a root");
    TlsConnector::builder()
        .disable_built_in_roots(true)
        .add_root_certificate(Certificate::from_der(&root).expect("a certificate"))
        .build()
        .expect("a connector")
}

/// A handshake on both sides, up to the last byte that either has to say.
///
/// # Panics
///
/// If it fails.
pub(crate) fn handshake(client: &TlsConnector, server: &Arc<ServerConfig>) {
    let server = ServerConnection::new(Arc::clone(server)).expect("a server");
    let answer = Cursor::default();
    let mut shaken = client.connect("localhost", Peer { server, answer });
    loop {
        match shaken {
            Ok(mut stream) => {
                let server = &mut stream.get_mut().server;
                assert!(!server.is_handshaking(), "the handshake is not complete");
                return;
            }
            Err(HandshakeError::WouldBlock(going_on)) => shaken = going_on.handshake(),
            Err(HandshakeError::Failure(error)) => panic!("the handshake failed: {error}"),
        }
    }
}

/// The server, as the client's stream: what is written it takes at once, and what is read is its answer.
#[derive(Debug)]
struct Peer {
    server: ServerConnection,
    /// Its answer, up to where it was read.
    answer: Cursor<Vec<u8>>,
}

impl Read for Peer {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.answer.read(buffer)? {
            0 => Err(ErrorKind::WouldBlock.into()),
            count => Ok(count),
        }
    }
}

impl Write for Peer {
    fn write(&mut self, mut bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len();
        while !bytes.is_empty() {
            self.server.read_tls(&mut bytes)?;
            self.server.process_new_packets().map_err(io::Error::other)?;
        }
        while self.server.wants_write() {
            self.server.write_tls(self.answer.get_mut())?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
