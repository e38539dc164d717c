//! TLS behind one small interface: an engine takes and gives bytes, and never touches a socket.

mod alert;
mod client_hello;
mod openssl;
mod records;
mod rustls;

use bytes::BytesMut;

pub(crate) use self::{
    alert::{describe as alert_name, record as alert_record},
    client_hello::{Hello, HelloReader},
    records::{Records, Seen},
};
use crate::{
    Error,
    axes::{Certificate, Key, TlsVersions},
    pki::Authority,
    script::Tls,
};

/// The ALPN protocol of PostgreSQL.
pub(crate) const ALPN: &[u8] = b"postgresql";

/// Lets the TLS library gather its entropy now instead of in the process's first handshake.
///
/// It takes some 40 ms of processor time, once a process; on a busy machine a client with a
/// short timeout would not wait for it.
pub fn gather_entropy() {
    rustls::gather_entropy();
}

/// The server's side of one TLS session, without its socket.
pub(crate) trait Engine: Send {
    /// Takes what the client sent, appends what was inside to `plaintext`, and what must be
    /// answered to `out`: an alert too, where it fails.
    fn receive(
        &mut self,
        ciphertext: &[u8],
        plaintext: &mut BytesMut,
        out: &mut Vec<u8>,
    ) -> Result<(), Failure>;

    /// Encrypts `plaintext` and appends it to `out`.
    fn send(&mut self, plaintext: &[u8], out: &mut Vec<u8>);

    /// Appends close_notify to `out`.
    fn close(&mut self, out: &mut Vec<u8>);

    /// Whether the handshake is complete on this side.
    fn is_complete(&self) -> bool;

    /// Whether the client sent close_notify.
    fn peer_closed(&self) -> bool;

    /// What was agreed on, once the handshake is complete.
    fn agreed(&self) -> Agreed;

    /// The common name in the client's certificate, which the engine has verified; `None` if it
    /// showed no certificate.
    fn client_name(&self) -> Option<String>;
}

/// Why an engine gave up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// In the library's words.
    pub(crate) reason: String,
    /// The alert with which the client ended it, such as `fatal unknown_ca`.
    pub(crate) alert: Option<String>,
}

/// What a handshake agreed on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Agreed {
    /// Such as `TLSv1.3`.
    pub(crate) version: Option<String>,
    /// By its IANA name.
    pub(crate) cipher: Option<String>,
    pub(crate) alpn: Option<String>,
}

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
    /// A context for these settings, with the authority's certificates.
    pub(crate) fn new(authority: &Authority, key: ContextKey) -> Result<Self, Error> {
        let identity = if key.settings.send_root {
            authority.identity_with_root(key.certificate, key.key)?
        } else {
            authority.identity(key.certificate, key.key)?
        };
        let client_root = key.client_certificates.then(|| authority.root(key.key)).transpose()?;
        let backend = if key.tls == TlsVersions::Tls10To11 {
            Backend::OpenSsl(openssl::Context::new(&identity, client_root.as_ref())?)
        } else {
            Backend::Rustls(rustls::Context::new(
                &identity,
                key.tls,
                client_root,
                key.settings.resumption,
            )?)
        };
        Ok(Self { backend, server_end_point: identity.server_end_point.clone() })
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
    certificate: Certificate,
    key: Key,
    tls: TlsVersions,
    client_certificates: bool,
    settings: TlsSettings,
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
            settings,
        }
    }
}

/// The common name in a certificate that was verified.
fn common_name(certificate: &[u8]) -> Option<String> {
    use x509_parser::prelude::{FromDer, X509Certificate};

    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let name = certificate.subject().iter_common_name().next()?;
    name.as_str().ok().map(str::to_owned)
}
