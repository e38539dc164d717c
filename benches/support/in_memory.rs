//! The limit: a rustls handshake between two buffers, with nothing of PostgreSQL, sockets or tasks in it.

use std::sync::Arc;

use pgtls_mock_server::{
    axes::{Certificate, TlsVersions},
    pki::Authority,
};
use rustls::{
    ClientConfig, ClientConnection, Connection, HandshakeKind, ServerConfig, ServerConnection,
    crypto::aws_lc_rs, server::NoServerSessionStorage,
};

use super::tls::{KEY, protocol_version};

/// The mock server's own TLS settings: its certificate, its provider, tickets only for resumption.
///
/// # Panics
///
/// If the certificate cannot be made, or rustls refuses it.
pub(crate) fn server(
    authority: &Authority,
    tls: TlsVersions,
    resumption: bool,
) -> Arc<ServerConfig> {
    let identity = authority.identity(Certificate::Valid, KEY).expect("a certificate");
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[protocol_version(tls)])
        .expect("a version that the provider speaks")
        .with_no_client_auth()
        .with_single_cert(identity.chain().to_vec(), identity.key().clone_key())
        .expect("a certificate and its key");
    if resumption {
        config.ticketer = aws_lc_rs::Ticketer::new().expect("a ticketer");
    } else {
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
    }
    Arc::new(config)
}

/// A handshake on both sides, up to the last byte that either has to say; tells what kind it was.
///
/// # Panics
///
/// If it fails.
pub(crate) fn handshake(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>) -> HandshakeKind {
    let name = "localhost".try_into().expect("a name");
    let mut client: Connection =
        ClientConnection::new(Arc::clone(client), name).expect("a client").into();
    let mut server: Connection =
        ServerConnection::new(Arc::clone(server)).expect("a server").into();
    let mut flight = Vec::new();
    while pass(&mut client, &mut server, &mut flight) | pass(&mut server, &mut client, &mut flight)
    {
    }
    assert!(!client.is_handshaking() && !server.is_handshaking(), "the handshake is not complete");
    client.handshake_kind().expect("a complete handshake")
}

/// Passes on what one side has to say; whether that was anything.
fn pass(from: &mut Connection, to: &mut Connection, flight: &mut Vec<u8>) -> bool {
    flight.clear();
    while from.wants_write() {
        from.write_tls(flight).expect("room in a Vec");
    }
    let mut rest = flight.as_slice();
    while !rest.is_empty() {
        to.read_tls(&mut rest).expect("room for a flight");
        to.process_new_packets().expect("a flight of the handshake");
    }
    !flight.is_empty()
}
