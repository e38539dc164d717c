//! TLS 1.2 and 1.3 by rustls, with aws-lc-rs.

use std::{
    io::{BufRead, Write},
    sync::{Arc, LazyLock},
};

use bytes::BytesMut;
use rustls::{
    AlertDescription, CipherSuite, ProtocolVersion, RootCertStore, ServerConfig, ServerConnection,
    SupportedProtocolVersion,
    crypto::{CryptoProvider, aws_lc_rs},
    server::{NoServerSessionStorage, WebPkiClientVerifier},
    version::{TLS12, TLS13},
};
use rustls_pki_types::CertificateDer;

use super::{
    alert,
    engine::{ALPN, Agreed, Engine, Failure, common_name},
    tickets::Tickets,
};
use crate::{Error, axes::TlsVersions, pki::Identity};

static PROVIDER: LazyLock<Arc<CryptoProvider>> =
    LazyLock::new(|| Arc::new(aws_lc_rs::default_provider()));

/// Lets the TLS library gather its entropy now instead of in the process's first handshake.
///
/// It takes some 40 ms of processor time, once a process; on a busy machine a client with a
/// short timeout would not wait for it.
pub fn gather_entropy() {
    // Where there is none, the first handshake will say so.
    let _ = PROVIDER.secure_random.fill(&mut [0]);
}

#[derive(Debug)]
pub(super) struct Context(Arc<ServerConfig>);

impl Context {
    /// A context that shows `identity`, and asks for a client certificate of `client_root`.
    pub(super) fn new(
        identity: &Identity,
        tls: TlsVersions,
        client_root: Option<CertificateDer<'static>>,
        tickets: Tickets,
    ) -> Result<Self, Error> {
        let versions: &[&SupportedProtocolVersion] = match tls {
            TlsVersions::Tls12 => &[&TLS12],
            TlsVersions::Tls13 => &[&TLS13],
            TlsVersions::Tls12To13 => &[&TLS13, &TLS12],
            // Whoever asks for them asks the other backend.
            TlsVersions::Tls10To11 => &[],
        };
        let builder = ServerConfig::builder_with_provider(Arc::clone(&PROVIDER))
            .with_protocol_versions(versions)
            .map_err(Error::tls("protocol versions"))?;
        let builder = match client_root {
            None => builder.with_no_client_auth(),
            Some(root) => {
                let mut roots = RootCertStore::empty();
                roots.add(root).map_err(Error::tls("the clients' root"))?;
                let verifier = WebPkiClientVerifier::builder_with_provider(
                    Arc::new(roots),
                    Arc::clone(&PROVIDER),
                )
                // Like PostgreSQL: who shows none learns it from the login, not from TLS.
                .allow_unauthenticated()
                .build()
                .map_err(Error::tls("the clients' root"))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder
            .with_single_cert(identity.chain().to_vec(), identity.key().clone_key())
            .map_err(Error::tls("certificate and key"))?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        if tickets != Tickets::None {
            config.ticketer = aws_lc_rs::Ticketer::new().map_err(Error::tls("session tickets"))?;
        }
        match tickets {
            Tickets::Usual => {}
            Tickets::Count(count) => config.send_tls13_tickets = count.into(),
            Tickets::None => {
                config.send_tls13_tickets = 0;
                config.session_storage = Arc::new(NoServerSessionStorage {});
            }
        }
        Ok(Self(Arc::new(config)))
    }

    pub(super) fn engine(&self) -> Result<Box<dyn Engine>, Failure> {
        let connection = ServerConnection::new(Arc::clone(&self.0)).map_err(failure)?;
        Ok(Box::new(Session { connection, peer_closed: false }))
    }
}

struct Session {
    connection: ServerConnection,
    peer_closed: bool,
}

impl Session {
    fn take_plaintext(&mut self, plaintext: &mut BytesMut) {
        let mut reader = self.connection.reader();
        while let Ok(chunk) = reader.fill_buf() {
            if chunk.is_empty() {
                break;
            }
            plaintext.extend_from_slice(chunk);
            let count = chunk.len();
            reader.consume(count);
        }
    }

    fn flush(&mut self, out: &mut Vec<u8>) {
        while self.connection.wants_write() {
            // A Vec takes everything.
            if self.connection.write_tls(out).is_err() {
                break;
            }
        }
    }
}

impl Engine for Session {
    fn receive(
        &mut self,
        mut ciphertext: &[u8],
        plaintext: &mut BytesMut,
        out: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        let mut result = Ok(());
        while !ciphertext.is_empty() && result.is_ok() {
            match self.connection.read_tls(&mut ciphertext) {
                // After close_notify nothing more is taken.
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => {
                    result = Err(Failure { reason: error.to_string(), alert: None });
                    break;
                }
            }
            match self.connection.process_new_packets() {
                Ok(state) => self.peer_closed |= state.peer_has_closed(),
                Err(error) => result = Err(failure(error)),
            }
            self.take_plaintext(plaintext);
        }
        self.flush(out);
        result
    }

    fn send(&mut self, plaintext: &[u8], out: &mut Vec<u8>) {
        let mut rest = plaintext;
        while !rest.is_empty() {
            match self.connection.writer().write(rest) {
                Ok(count @ 1..) => rest = &rest[count..],
                _ => break,
            }
            self.flush(out);
        }
    }

    fn update_keys(&mut self, out: &mut Vec<u8>) {
        // TLS 1.2 knows none.
        let _ = self.connection.refresh_traffic_keys();
        self.flush(out);
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        self.connection.send_close_notify();
        self.flush(out);
    }

    fn is_complete(&self) -> bool {
        !self.connection.is_handshaking()
    }

    fn peer_closed(&self) -> bool {
        self.peer_closed
    }

    fn agreed(&self) -> Agreed {
        let cipher = self.connection.negotiated_cipher_suite().map(|suite| suite.suite());
        Agreed {
            version: self.connection.protocol_version().map(version_name),
            cipher: cipher.map(iana_name),
            alpn: self
                .connection
                .alpn_protocol()
                .map(|protocol| String::from_utf8_lossy(protocol).into_owned()),
        }
    }

    fn client_name(&self) -> Option<String> {
        common_name(self.connection.peer_certificates()?.first()?)
    }
}

fn version_name(version: ProtocolVersion) -> String {
    match version {
        ProtocolVersion::TLSv1_2 => "TLSv1.2".to_owned(),
        ProtocolVersion::TLSv1_3 => "TLSv1.3".to_owned(),
        other => format!("{other:?}"),
    }
}

/// rustls writes TLS13_… where the registry writes TLS_…
fn iana_name(suite: CipherSuite) -> String {
    let name = format!("{suite:?}");
    match name.strip_prefix("TLS13_") {
        Some(rest) => format!("TLS_{rest}"),
        None => name,
    }
}

fn failure(error: rustls::Error) -> Failure {
    let received = match &error {
        rustls::Error::AlertReceived(description) => Some(*description),
        _ => None,
    };
    Failure {
        reason: error.to_string(),
        alert: received
            .map(|description: AlertDescription| alert::describe(2, u8::from(description))),
    }
}
