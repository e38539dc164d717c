//! Handshakes over real sockets, each test once per backend.

use std::sync::Arc;
use std::time::Duration;

use ::rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use ::rustls::sign::CertifiedKey;
use ::rustls::{RootCertStore, ServerConfig, version};
use rcgen::{CertificateParams, Issuer, KeyPair};
use rustls_pki_types::pem::PemObject;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::*;

/// Runs the body for each backend.
macro_rules! with_every_backend {
    ($($name:ident;)*) => {
        mod by_rustls {
            $(#[tokio::test] async fn $name() { super::$name(&super::Backend::rustls()).await; })*
        }
        #[cfg(feature = "native-tls")]
        mod by_native_tls {
            $(#[tokio::test] async fn $name() { super::$name(&super::Backend::native_tls()).await; })*
        }
    };
}

with_every_backend! {
    any_certificate_passes_where_nothing_is_trusted;
    version_1_passes_where_nothing_is_trusted_and_as_its_own_root;
    a_signature_by_another_key_never_passes;
    chains_are_verified_and_the_peer_is_told;
    a_key_that_may_not_sign_makes_no_handshake_of_tls_1_2;
    a_refused_chain_is_told_once;
    a_store_that_is_given_stands_for_the_systems;
    sni_and_alpn_are_sent_as_asked;
    versions_are_bounded;
    a_client_certificate_is_shown;
    keys_of_every_form_work;
    a_key_that_is_not_the_certificates_fails;
}

/// What the server saw of a handshake.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Seen {
    sni: Option<String>,
    alpn: Option<Vec<u8>>,
    client_certificates: usize,
    /// The handshake completed and a byte came through, or why not.
    error: Option<String>,
}

/// Always this certificate with this key, whether they fit or not.
#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl ResolvesServerCert for Always {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

struct Server {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    versions: Vec<&'static ::rustls::SupportedProtocolVersion>,
    client_roots: Option<CertificateDer<'static>>,
    alpn: bool,
}

impl Server {
    fn new(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> Server {
        let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).expect("key");
        Server {
            chain,
            key,
            versions: vec![&version::TLS12, &version::TLS13],
            client_roots: None,
            alpn: true,
        }
    }

    fn config(&self) -> ServerConfig {
        let provider = Arc::new(::rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&self.versions)
            .expect("versions");
        let builder = match &self.client_roots {
            Some(root) => {
                let mut roots = RootCertStore::empty();
                roots.add(root.clone()).expect("root");
                let verifier = WebPkiClientVerifier::builder_with_provider(
                    Arc::new(roots),
                    Arc::clone(&provider),
                );
                builder.with_client_cert_verifier(verifier.build().expect("verifier"))
            }
            None => builder.with_no_client_auth(),
        };
        let key = provider.key_provider.load_private_key(self.key.clone_key()).expect("key");
        let certified = Arc::new(CertifiedKey::new(self.chain.clone(), key));
        let mut config = builder.with_cert_resolver(Arc::new(Always(certified)));
        if self.alpn {
            config.alpn_protocols = vec![ALPN.as_bytes().to_vec()];
        }
        config
    }

    /// Takes one connection.
    async fn listen(&self) -> (TcpStream, JoinHandle<Seen>) {
        let acceptor = TlsAcceptor::from(Arc::new(self.config()));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("port");
        let address = listener.local_addr().expect("address");
        let seen = tokio::spawn(async move {
            let (socket, _) = listener.accept().await.expect("connection");
            match acceptor.accept(socket).await {
                Ok(mut stream) => {
                    let session = stream.get_ref().1;
                    let mut seen = Seen {
                        sni: session.server_name().map(str::to_owned),
                        alpn: session.alpn_protocol().map(<[u8]>::to_vec),
                        client_certificates: session.peer_certificates().map_or(0, <[_]>::len),
                        error: None,
                    };
                    seen.error = stream.read_u8().await.err().map(|error| error.to_string());
                    seen
                }
                Err(error) => Seen { error: Some(error.to_string()), ..Seen::default() },
            }
        });
        (TcpStream::connect(address).await.expect("connected"), seen)
    }

    /// One handshake, and one byte if it succeeds.
    async fn meet(&self, backend: &Backend, terms: Terms) -> (Result<Vec<u8>, String>, Seen) {
        self.meet_as(backend, terms, Some("localhost")).await
    }

    /// The same with this server name.
    async fn meet_as(
        &self,
        backend: &Backend,
        terms: Terms,
        sni: Option<&str>,
    ) -> (Result<Vec<u8>, String>, Seen) {
        let (socket, seen) = self.listen().await;
        let terms = Terms { sni: sni.is_some(), ..terms };
        let shake = async {
            backend.prepare(terms, sni.map(str::to_owned))?.handshake(Box::new(socket)).await
        };
        let shaken = tokio::time::timeout(Duration::from_secs(10), shake);
        let outcome = match shaken.await.expect("in time") {
            Ok(mut secured) => {
                secured.transport.write_all(b"x").await.expect("written");
                secured.transport.flush().await.expect("flushed");
                assert_eq!(secured.is_postgresql(), self.alpn);
                Ok(secured.certificate)
            }
            Err(error) => Err(error.to_string()),
        };
        let seen = tokio::time::timeout(Duration::from_secs(10), seen)
            .await
            .expect("in time")
            .expect("no panic");
        (outcome, seen)
    }
}

fn terms(trust: Trust) -> Terms {
    Terms {
        sni: true,
        min_version: Some(TlsVersion::V1_2),
        max_version: None,
        credentials: Credentials { trust, identity: None },
    }
}

fn roots(certificate: &CertificateDer<'static>) -> Trust {
    Trust::Roots { certificates: vec![certificate.clone()], revocation: None }
}

fn self_signed() -> (CertificateDer<'static>, KeyPair) {
    let key = KeyPair::generate().expect("key");
    let certificate =
        CertificateParams::new(vec!["localhost".to_owned()]).expect("names").self_signed(&key);
    (certificate.expect("certificate").der().clone(), key)
}

const VERSIONS: [&::rustls::SupportedProtocolVersion; 2] = [&version::TLS12, &version::TLS13];

async fn any_certificate_passes_where_nothing_is_trusted(backend: &Backend) {
    let (certificate, key) = self_signed();
    for version in VERSIONS {
        let server =
            Server { versions: vec![version], ..Server::new(vec![certificate.clone()], &key) };
        let (outcome, seen) = server.meet(backend, terms(Trust::Anything)).await;
        assert_eq!(outcome.as_deref(), Ok(&certificate[..]), "{version:?}");
        assert_eq!(seen.error, None);
    }
}

async fn version_1_passes_where_nothing_is_trusted_and_as_its_own_root(backend: &Backend) {
    let (certificate, key) = crate::testing::version_1(openssl::hash::MessageDigest::sha256());
    let certificate = CertificateDer::from(certificate.to_der().expect("DER"));
    let key = KeyPair::from_pem(
        &String::from_utf8(key.private_key_to_pem_pkcs8().expect("PEM")).expect("text"),
    );
    let key = key.expect("key");
    for version in VERSIONS {
        for trust in [Trust::Anything, roots(&certificate)] {
            let server =
                Server { versions: vec![version], ..Server::new(vec![certificate.clone()], &key) };
            let (outcome, _) = server.meet(backend, terms(trust.clone())).await;
            assert_eq!(outcome.as_deref(), Ok(&certificate[..]), "{version:?} {trust:?}");
        }
    }
}

async fn a_signature_by_another_key_never_passes(backend: &Backend) {
    let (certificate, _) = self_signed();
    let (_, stolen) = self_signed();
    for version in VERSIONS {
        for trust in [Trust::Anything, roots(&certificate)] {
            let server = Server {
                versions: vec![version],
                ..Server::new(vec![certificate.clone()], &stolen)
            };
            let (outcome, seen) = server.meet(backend, terms(trust)).await;
            assert!(outcome.is_err() && seen.error.is_some(), "{version:?}: {outcome:?}, {seen:?}");
        }
    }
}

async fn chains_are_verified_and_the_peer_is_told(backend: &Backend) {
    let (certificate, key) = self_signed();
    let (other, _) = self_signed();
    for version in VERSIONS {
        let server =
            Server { versions: vec![version], ..Server::new(vec![certificate.clone()], &key) };
        let (outcome, _) = server.meet(backend, terms(roots(&certificate))).await;
        assert!(outcome.is_ok(), "{outcome:?}");
        let (outcome, seen) = server.meet(backend, terms(roots(&other))).await;
        assert!(outcome.is_err());
        let told = seen.error.expect("an error");
        assert!(told.contains("alert"), "an alert and not a reset: {told}");
    }
}

async fn a_store_that_is_given_stands_for_the_systems(backend: &Backend) {
    let (certificate, key) = self_signed();
    let server = Server::new(vec![certificate.clone()], &key);
    let passes = async |given: Vec<CertificateDer<'static>>| {
        let trust = Trust::System { given: Some(given), revocation: None };
        server.meet(backend, terms(trust)).await.0.is_ok()
    };
    assert!(passes(vec![certificate.clone()]).await);
    assert!(passes(vec![b"no certificate".to_vec().into(), certificate.clone()]).await);
    assert!(!passes(vec![self_signed().0]).await);
    assert!(!passes(Vec::new()).await);
}

async fn a_refused_chain_is_told_once(backend: &Backend) {
    let (certificate, key) = self_signed();
    let (other, _) = self_signed();
    let (socket, _) = Server::new(vec![certificate], &key).listen().await;
    let prepared = backend.prepare(terms(roots(&other)), Some("localhost".to_owned()));
    let shaken = prepared.expect("prepared").handshake(Box::new(socket)).await;
    let error = shaken.err().expect("a stranger's certificate");
    let mut levels = vec![error.to_string()];
    let mut source = error.source();
    while let Some(cause) = source {
        levels.push(cause.to_string());
        source = cause.source();
    }
    for (index, text) in levels.iter().enumerate() {
        let told = levels[..index].iter().any(|above| above.contains(text));
        assert!(!told, "{levels:#?}");
    }
}

async fn a_key_that_may_not_sign_makes_no_handshake_of_tls_1_2(backend: &Backend) {
    let key = KeyPair::generate().expect("key");
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("names");
    params.key_usages = vec![rcgen::KeyUsagePurpose::KeyAgreement];
    let certificate = params.self_signed(&key).expect("certificate").der().clone();
    for trust in [Trust::Anything, roots(&certificate)] {
        let speaks = async |version| {
            let server =
                Server { versions: vec![version], ..Server::new(vec![certificate.clone()], &key) };
            server.meet(backend, terms(trust.clone())).await.0.is_ok()
        };
        // OpenSSL asks for it there, and only there.
        assert!(!speaks(&version::TLS12).await, "{trust:?}");
        assert!(speaks(&version::TLS13).await, "{trust:?}");
    }
}

async fn sni_and_alpn_are_sent_as_asked(backend: &Backend) {
    let (certificate, key) = self_signed();
    let server = Server::new(vec![certificate], &key);
    for name in [Some("localhost"), Some("db.example"), None] {
        let (_, seen) = server.meet_as(backend, terms(Trust::Anything), name).await;
        assert_eq!(seen.sni.as_deref(), name);
        assert_eq!(seen.alpn.as_deref(), Some(ALPN.as_bytes()));
    }
    let old = Server { alpn: false, ..server };
    assert_eq!(
        old.meet(backend, terms(Trust::Anything)).await.1.error,
        None,
        "older servers know no ALPN"
    );
}

async fn versions_are_bounded(backend: &Backend) {
    let (certificate, key) = self_signed();
    let speaks = async |versions: Vec<_>, min, max| {
        let server = Server { versions, ..Server::new(vec![certificate.clone()], &key) };
        let bounded = Terms { min_version: min, max_version: max, ..terms(Trust::Anything) };
        server.meet(backend, bounded).await.0.is_ok()
    };
    use TlsVersion::{V1_2, V1_3};
    assert!(!speaks(vec![&version::TLS12], Some(V1_3), None).await);
    assert!(!speaks(vec![&version::TLS13], Some(V1_2), Some(V1_2)).await);
    assert!(speaks(vec![&version::TLS12], None, None).await);
    assert!(speaks(vec![&version::TLS13], Some(V1_3), Some(V1_3)).await);
}

/// A client certificate, its key as PEM, and the root that issued it.
fn client(key: &KeyPair) -> (Vec<CertificateDer<'static>>, CertificateDer<'static>) {
    let root_key = KeyPair::generate().expect("key");
    let mut root = CertificateParams::default();
    root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root_certificate = root.self_signed(&root_key).expect("certificate").der().clone();
    let mut params = CertificateParams::new(vec!["client".to_owned()]).expect("names");
    params.distinguished_name.push(rcgen::DnType::CommonName, "client");
    let certificate =
        params.signed_by(key, &Issuer::from_params(&root, &root_key)).expect("certificate");
    (vec![certificate.der().clone()], root_certificate)
}

async fn shows(
    backend: &Backend,
    chain: Vec<CertificateDer<'static>>,
    key: &[u8],
    root: CertificateDer<'static>,
) -> Seen {
    let (certificate, server_key) = self_signed();
    let server = Server { client_roots: Some(root), ..Server::new(vec![certificate], &server_key) };
    let key = PrivateKeyDer::from_pem_slice(key).expect("key");
    let credentials = Credentials { trust: Trust::Anything, identity: Some((chain, key)) };
    server.meet(backend, Terms { credentials, ..terms(Trust::Anything) }).await.1
}

async fn a_client_certificate_is_shown(backend: &Backend) {
    let key = KeyPair::generate().expect("key");
    let (chain, root) = client(&key);
    let seen = shows(backend, chain, key.serialize_pem().as_bytes(), root).await;
    assert_eq!((seen.client_certificates, seen.error), (1, None));
}

async fn keys_of_every_form_work(backend: &Backend) {
    use openssl::pkey::PKey;
    let rsa = openssl::rsa::Rsa::generate(2048).expect("key");
    let group =
        openssl::ec::EcGroup::from_curve_name(openssl::nid::Nid::X9_62_PRIME256V1).expect("curve");
    let ec = openssl::ec::EcKey::generate(&group).expect("key");
    let forms = [
        (
            "PKCS #1",
            PKey::from_rsa(rsa.clone()).expect("key"),
            rsa.private_key_to_pem().expect("PEM"),
        ),
        (
            "SEC 1",
            PKey::from_ec_key(ec.clone()).expect("key"),
            ec.private_key_to_pem().expect("PEM"),
        ),
    ];
    for (what, key, pem) in forms {
        let text = String::from_utf8(key.private_key_to_pem_pkcs8().expect("PEM")).expect("text");
        let (chain, root) = client(&KeyPair::from_pem(&text).expect("key"));
        let seen = shows(backend, chain, &pem, root).await;
        assert_eq!((seen.client_certificates, seen.error), (1, None), "{what}");
    }
}

async fn a_key_that_is_not_the_certificates_fails(backend: &Backend) {
    let (certificate, key) = self_signed();
    let server = Server::new(vec![certificate], &key);
    let (chain, _) = client(&KeyPair::generate().expect("key"));
    let other =
        PrivateKeyDer::from_pem_slice(KeyPair::generate().expect("key").serialize_pem().as_bytes())
            .expect("key");
    let credentials = Credentials { trust: Trust::Anything, identity: Some((chain, other)) };
    let (outcome, _) = server.meet(backend, Terms { credentials, ..terms(Trust::Anything) }).await;
    assert!(outcome.is_err());
}

#[test]
fn backends_refuse_what_they_cannot_do() {
    let settings = |text: &str| {
        Settings::resolve(&text.parse::<crate::Config>().expect("parses")).expect("resolves")
    };
    let old = settings("host=h ssl_min_protocol_version=TLSv1 ssl_max_protocol_version=TLSv1.1");
    assert!(Backend::rustls().check(&old).is_err());
    assert!(Backend::rustls().check(&settings("host=h ssl_min_protocol_version=TLSv1")).is_ok());
    #[cfg(feature = "native-tls")]
    assert!(Backend::native_tls().check(&old).is_ok());
}
