//! The one small interface of TLS: an engine takes and gives bytes, and never touches a socket.

use bytes::BytesMut;

/// The ALPN protocol of PostgreSQL.
pub(crate) const ALPN: &[u8] = b"postgresql";

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

    /// Has new keys for what is sent, and appends the message that tells so to `out`; nothing where the
    /// version has no such message.
    fn update_keys(&mut self, out: &mut Vec<u8>);

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

/// The common name in a certificate that was verified.
pub(super) fn common_name(certificate: &[u8]) -> Option<String> {
    use x509_parser::prelude::{FromDer, X509Certificate};

    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let name = certificate.subject().iter_common_name().next()?;
    name.as_str().ok().map(str::to_owned)
}
