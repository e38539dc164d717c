//! PostgreSQL's side, honest or as hostile as the axes say.

use pgtls_mock_server::trace::Event;

use crate::axes::{Access, Auth, Axes, ClientCert, Reply, ServerAxes, TlsVersions};

/// What an SSLRequest led to.
pub(super) enum Negotiated {
    Tls {
        /// Plaintext came in one segment with the `S`.
        stuffed: bool,
    },
    Plain {
        /// Plaintext came in one segment with the `N`.
        stuffed: bool,
    },
    /// An error, a wrong byte, or no answer.
    Nothing,
}

pub(super) fn answer_to_ssl_request(reply: Reply) -> (Option<Event>, Negotiated) {
    match reply {
        Reply::Accept
        | Reply::StuffedLate
        | Reply::TlsAlert
        | Reply::TlsGarbage
        | Reply::TlsSilent
        | Reply::TlsClose => (Some(Event::SslAccept), Negotiated::Tls { stuffed: false }),
        Reply::Stuffed => (Some(Event::SslAccept), Negotiated::Tls { stuffed: true }),
        Reply::Refuse => (Some(Event::SslReject), Negotiated::Plain { stuffed: false }),
        Reply::RefuseStuffed => (Some(Event::SslReject), Negotiated::Plain { stuffed: true }),
        Reply::Garbage => (Some(Event::SslReject), Negotiated::Nothing),
        Reply::Error => (Some(Event::BackendError), Negotiated::Nothing),
        _ => (None, Negotiated::Nothing),
    }
}

pub(super) fn accepts_direct_tls(reply: Reply) -> bool {
    reply == Reply::Accept
}

pub(super) fn events_of_rejected_direct_tls(reply: Reply) -> Vec<Event> {
    match reply {
        Reply::Error => vec![Event::DirectSslReject, Event::BackendError],
        _ => vec![Event::DirectSslReject],
    }
}

/// What the server makes of a ClientHello.
pub(super) enum Handshake {
    Honest,
    Broken,
    Silent,
}

pub(super) fn handshake(server: &ServerAxes) -> Handshake {
    match server.reply {
        Reply::StuffedLate | Reply::TlsAlert | Reply::TlsGarbage | Reply::TlsClose => {
            Handshake::Broken
        }
        Reply::TlsSilent => Handshake::Silent,
        // libpq's ssl_min_protocol_version is TLSv1.2.
        _ if server.tls == TlsVersions::Tls10To11 => Handshake::Broken,
        _ => Handshake::Honest,
    }
}

/// When the server's TLS layer rejects a client certificate.
pub(super) enum Rejection {
    /// TLS 1.2: the client's side fails too.
    DuringHandshake,
    /// TLS 1.3: the client's side is complete by then.
    AfterHandshake,
}

pub(super) fn client_certificate_rejected(axes: &Axes) -> Option<Rejection> {
    (axes.server.auth == Auth::Cert && axes.client_cert == ClientCert::Wrong).then(|| {
        if axes.server.tls == TlsVersions::Tls12 {
            Rejection::DuringHandshake
        } else {
            Rejection::AfterHandshake
        }
    })
}

/// A proof that the server asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// The password or its MD5.
    Password,
    /// SCRAM-SHA-256.
    Scram,
    /// Over TLS, SCRAM-SHA-256-PLUS as well.
    ScramMaybePlus,
}

/// The server's answer to a StartupMessage.
pub(super) enum Login {
    Rejected,
    Granted,
    Asks(Proof),
}

pub(super) fn login(server: &ServerAxes, encrypted: bool, client_cert: ClientCert) -> Login {
    let no_rule = match server.access {
        Access::SslOnly => !encrypted,
        Access::NosslOnly => encrypted,
        _ => false,
    };
    if no_rule {
        return Login::Rejected;
    }
    match server.auth {
        Auth::Trust => Login::Granted,
        Auth::Md5 | Auth::Password => Login::Asks(Proof::Password),
        Auth::ScramSha256 => Login::Asks(Proof::Scram),
        Auth::ScramSha256Plus => Login::Asks(Proof::ScramMaybePlus),
        // `cert` stands in hostssl rules alone.
        Auth::Cert if encrypted && client_cert == ClientCert::Right => Login::Granted,
        _ => Login::Rejected,
    }
}
