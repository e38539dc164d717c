//! What the tests share: an authority, clients that speak by hand, and one that speaks TLS.
#![allow(dead_code, unreachable_pub, reason = "each test program uses a part")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, LazyLock},
    task::{Context, Poll},
    time::Duration,
};

use pgtls_mock_server::{
    Builder, MockServer, Observation,
    axes::{Auth, Certificate, Key, Reply},
    pki::{Authority, ClientCertificate, server_end_point},
    transcript::EntryKind,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
    time::timeout,
};
use tokio_postgres::{
    Socket,
    tls::{ChannelBinding, MakeTlsConnect, TlsConnect},
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        self, ClientConfig, DigitallySignedStruct, SignatureScheme,
        client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        crypto::{CryptoProvider, aws_lc_rs},
    },
};

/// No step of an honest test takes this long.
pub const PATIENCE: Duration = Duration::from_secs(10);

pub const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
pub const GSSENC_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 48];
pub const CANCEL_REQUEST: [u8; 16] = [0, 0, 0, 16, 4, 210, 22, 46, 0, 0, 4, 0, 1, 2, 3, 4];

static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| Authority::generate().unwrap());

/// One authority for all tests of a program: RSA keys take their time.
pub fn authority() -> Authority {
    AUTHORITY.clone()
}

pub fn server() -> Builder {
    MockServer::builder().authority(authority()).deadline(PATIENCE)
}

pub async fn trace(server: MockServer) -> String {
    finish(server).await.trace.to_string()
}

pub async fn finish(server: MockServer) -> Observation {
    within(server.finish(PATIENCE / 2)).await
}

/// Whether anybody's entry is such a one.
pub fn entered(seen: &Observation, wanted: impl Fn(&EntryKind) -> bool) -> bool {
    seen.connections.iter().flat_map(|connection| &connection.entries).any(|it| wanted(&it.what))
}

/// Waits until the server has seen so much.
pub async fn until(server: &MockServer, enough: impl Fn(&Observation) -> bool) {
    within(async {
        while !enough(&server.observation()) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// No wait of a test is without an end.
pub async fn within<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("it ends in time")
}

pub fn startup(user: &str) -> Vec<u8> {
    startup_version(user, 3 << 16)
}

pub fn startup_version(user: &str, version: u32) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    for text in ["user", user, "database", "postgres", ""] {
        body.extend(text.as_bytes());
        body.push(0);
    }
    let length = u32::try_from(body.len() + 4).unwrap();
    [&length.to_be_bytes()[..], &body].concat()
}

pub fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&[tag][..], &length.to_be_bytes(), body].concat()
}

/// A ClientHello as rustls sends it.
pub fn client_hello() -> Vec<u8> {
    let config = TlsClient { alpn: true, ..TlsClient::default() }.config();
    let name = "localhost".try_into().unwrap();
    let mut client = rustls::ClientConnection::new(config, name).unwrap();
    let mut hello = Vec::new();
    client.write_tls(&mut hello).unwrap();
    hello
}

/// A client by hand.
pub struct Raw<S = TcpStream>(pub S);

impl Raw {
    pub async fn connect(server: &MockServer) -> Self {
        Self(within(TcpStream::connect(server.address())).await.unwrap())
    }

    /// Does TLS from here on, offering ALPN `postgresql` if `alpn`.
    pub async fn tls(self, alpn: bool) -> std::io::Result<Raw<TlsStream<TcpStream>>> {
        let config = TlsClient { alpn, ..TlsClient::default() }.config();
        let name = ServerName::try_from("localhost").unwrap();
        within(TlsConnector::from(config).connect(name, self.0)).await.map(Raw)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Raw<S> {
    pub async fn send(&mut self, bytes: &[u8]) {
        within(self.0.write_all(bytes)).await.unwrap();
        within(self.0.flush()).await.unwrap();
    }

    /// The next `N` bytes.
    pub async fn read<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        timeout(PATIENCE, self.0.read_exact(&mut bytes)).await.unwrap().unwrap();
        bytes
    }

    /// All bytes up to the end, which must be in good order.
    pub async fn read_to_end(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        timeout(PATIENCE, self.0.read_to_end(&mut bytes)).await.unwrap().unwrap();
        bytes
    }

    /// The next message: its tag and body.
    pub async fn read_message(&mut self) -> (u8, Vec<u8>) {
        let [tag, a, b, c, d] = self.read().await;
        let mut body = vec![0; u32::from_be_bytes([a, b, c, d]) as usize - 4];
        timeout(PATIENCE, self.0.read_exact(&mut body)).await.unwrap().unwrap();
        (tag, body)
    }
}

/// TLS for tokio-postgres and for clients by hand: it accepts every certificate.
#[derive(Debug, Clone, Default)]
pub struct TlsClient {
    pub alpn: bool,
    pub client: Option<(ClientCertificate, Key)>,
    pub version: Option<&'static rustls::SupportedProtocolVersion>,
}

impl TlsClient {
    pub fn config(&self) -> Arc<ClientConfig> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let all = [&rustls::version::TLS13, &rustls::version::TLS12];
        let only = self.version.map(|version| [version]);
        let versions = only.as_ref().map_or(&all[..], |only| &only[..]);
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AcceptAnything(provider)));
        let mut config = match self.client {
            None => builder.with_no_client_auth(),
            Some((which, key)) => {
                let files = authority().client_identity(which, key).unwrap();
                let chain = CertificateDer::pem_file_iter(files.certificate()).unwrap();
                let key = PrivateKeyDer::from_pem_file(files.key()).unwrap();
                builder.with_client_auth_cert(chain.map(Result::unwrap).collect(), key).unwrap()
            }
        };
        if self.alpn {
            config.alpn_protocols = vec![b"postgresql".to_vec()];
        }
        Arc::new(config)
    }
}

#[derive(Debug)]
struct AcceptAnything(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAnything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

impl MakeTlsConnect<Socket> for TlsClient {
    type Stream = Secure;
    type TlsConnect = Self;
    type Error = std::io::Error;

    fn make_tls_connect(&mut self, _: &str) -> Result<Self, Self::Error> {
        Ok(self.clone())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsConnect<S> for TlsClient {
    type Stream = Secure<S>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Secure<S>, std::io::Error>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        let name = ServerName::try_from("localhost").unwrap();
        Box::pin(async move {
            TlsConnector::from(self.config()).connect(name, stream).await.map(Secure)
        })
    }
}

/// A TLS stream that knows its channel binding.
pub struct Secure<S = Socket>(TlsStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> tokio_postgres::tls::TlsStream for Secure<S> {
    fn channel_binding(&self) -> ChannelBinding {
        let (_, session) = self.0.get_ref();
        session
            .peer_certificates()
            .and_then(|chain| server_end_point(&chain[0]))
            .map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Secure<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Secure<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// The very leaf that a server with these axes shows.
pub fn leaf(certificate: Certificate, key: Key) -> CertificateDer<'static> {
    authority().identity(certificate, key).unwrap().leaf().clone()
}

/// A server that answers so, and asks for a cleartext password.
pub async fn replying(reply: Reply) -> MockServer {
    server().reply(reply).auth(Auth::Password).start().await.unwrap()
}

/// AuthenticationOk, two ParameterStatus, ReadyForQuery.
pub fn is_injected_login(bytes: &[u8]) -> bool {
    bytes.starts_with(&[b'R', 0, 0, 0, 8, 0, 0, 0, 0])
        && bytes.ends_with(&[b'Z', 0, 0, 0, 5, b'I'])
        && bytes.windows(15).any(|window| window == b"client_encoding")
}
