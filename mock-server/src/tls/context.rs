//! What TLS sessions are made from: a certificate, the versions spoken, and the library for them.

use rustls_pki_types::CertificateDer;

use super::{
    engine::{Engine, Failure},
    openssl, rustls,
    tickets::Tickets,
};
use crate::{
    Error,
    axes::{Certificate, Key, TlsVersions},
    pki::Identity,
    script::Tls,
};

/// What a TLS session is made from.
#[derive(Debug)]
pub(crate) struct Context {
    backend: Backend,
    /// The channel binding of the certificate shown.
    pub(crate) server_end_point: Option<Vec<u8>>,
}

#[derive(Debug)]
enum Backend {
    Rustls(rustls::Context),
    OpenSsl(openssl::Context),
}

impl Context {
    /// A context that shows `identity`, and asks for a client certificate of `client_root`.
    pub(crate) fn new(
        identity: &Identity,
        client_root: Option<CertificateDer<'static>>,
        tls: TlsVersions,
        tickets: Tickets,
    ) -> Result<Self, Error> {
        let backend = if tls == TlsVersions::Tls10To11 {
            Backend::OpenSsl(openssl::Context::new(identity, client_root.as_ref())?)
        } else {
            Backend::Rustls(rustls::Context::new(identity, tls, client_root, tickets)?)
        };
        let server_end_point = identity.server_end_point().map(<[u8]>::to_vec);
        Ok(Self { backend, server_end_point })
    }

    /// The engine of a new session.
    pub(crate) fn engine(&self) -> Result<Box<dyn Engine>, Failure> {
        match &self.backend {
            Backend::Rustls(context) => context.engine(),
            Backend::OpenSsl(context) => context.engine(),
        }
    }
}

/// The settings that need a context of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ContextKey {
    pub(crate) certificate: Certificate,
    pub(crate) key: Key,
    pub(crate) tls: TlsVersions,
    pub(crate) client_certificates: bool,
    /// As many session tickets as a script wants.
    tickets: u8,
    pub(crate) settings: TlsSettings,
}

/// What is no axis of the server, and still a matter of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TlsSettings {
    /// Sessions may be resumed.
    pub(crate) resumption: bool,
    /// The chain sent ends with its root.
    pub(crate) send_root: bool,
}

impl ContextKey {
    pub(crate) const fn new(tls: Tls, settings: TlsSettings) -> Self {
        Self {
            certificate: tls.certificate,
            key: tls.key,
            tls: tls.versions,
            client_certificates: tls.client_certificate,
            tickets: tls.tickets,
            settings,
        }
    }

    /// Which session tickets follow a handshake.
    pub(crate) const fn tickets(&self) -> Tickets {
        match self.tickets {
            0 if self.settings.resumption => Tickets::Usual,
            0 => Tickets::None,
            count => Tickets::Count(count),
        }
    }
}
