//! PostgreSQL's side, honest or as hostile as its script says: what can be read off the script that
//! the server itself runs.

use pgtls_mock_server::{
    script::{
        Script,
        outline::{Answer, Asked, Handshake, Login as Decided, Outline},
    },
    trace::Event,
};

use crate::axes::{Axes, ClientCert, TlsVersions};

/// The mechanism that binds to the channel (RFC 5802, section 6).
const SCRAM_SHA_256_PLUS: &str = "SCRAM-SHA-256-PLUS";

/// A server, on one connection.
pub(super) struct Server<'a> {
    outline: Outline<'a>,

    client_cert: ClientCert,
}

/// When the server's TLS layer rejects a client certificate.
pub(super) enum Rejection {
    /// TLS 1.2: the client's side fails too.
    DuringHandshake,
    /// TLS 1.3: the client's side is complete by then.
    AfterHandshake,
}

/// A proof that the server asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AskedProof {
    /// The password or its MD5.
    Password,
    /// SCRAM-SHA-256.
    Scram,
    /// SCRAM-SHA-256-PLUS as well.
    ScramMaybePlus,
}

/// The server's answer to a StartupMessage.
pub(super) enum LoginAnswer {
    Rejected,
    Granted,
    Asks(AskedProof),
}

impl<'a> Server<'a> {
    /// The server on a connection before which there were so many.
    pub(super) fn of(script: &'a Script, connection: usize, axes: &Axes) -> Self {
        let outline = script.outline(connection as u64);
        Self { outline, client_cert: axes.client_cert }
    }

    pub(super) fn answer_to_ssl_request(&self) -> Answer {
        self.outline.answer_to_ssl_request()
    }

    pub(super) fn events_of_rejected_direct_tls(&self) -> Vec<Event> {
        let mut events = vec![Event::DirectSslReject];
        if self.outline.answers_client_hello_by_error() {
            events.push(Event::BackendError);
        }
        events
    }

    /// What becomes of a ClientHello, with or without an SSLRequest before it.
    pub(super) fn handshake(&self, direct: bool) -> Handshake {
        let outline = self.outline;
        match if direct { outline.direct_handshake() } else { outline.handshake() } {
            // libpq's ssl_min_protocol_version is TLSv1.2.
            Handshake::Honest if self.outline.tls().versions == TlsVersions::Tls10To11 => {
                Handshake::Broken
            }
            handshake => handshake,
        }
    }

    pub(super) fn rejects_client_certificate(&self) -> Option<Rejection> {
        let asked = self.outline.tls().client_certificate;
        (asked && self.client_cert == ClientCert::Wrong).then(|| {
            if self.outline.tls().versions == TlsVersions::Tls12 {
                Rejection::DuringHandshake
            } else {
                Rejection::AfterHandshake
            }
        })
    }

    pub(super) fn login(&self, encrypted: bool) -> LoginAnswer {
        let certificate = encrypted && self.client_cert == ClientCert::Right;
        match self.outline.login(encrypted, certificate) {
            Decided::Granted => LoginAnswer::Granted,
            Decided::Asks(Asked::Password) => LoginAnswer::Asks(AskedProof::Password),
            Decided::Asks(Asked::Sasl(mechanisms)) => {
                let plus = mechanisms.iter().any(|name| name == SCRAM_SHA_256_PLUS);
                LoginAnswer::Asks(if plus { AskedProof::ScramMaybePlus } else { AskedProof::Scram })
            }
            _ => LoginAnswer::Rejected,
        }
    }
}
