//! The TLS settings of the clients: everything verified, the authority's root alone trusted.

use std::sync::Arc;

use pgtls_mock_server::{
    axes::{Key, TlsVersions},
    pki::Authority,
};
use rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion, client::Resumption,
    crypto::CryptoProvider,
};

/// The keys of every certificate here.
pub(crate) const KEY: Key = Key::P256;

/// What rustls calls the one version of `tls`.
///
/// # Panics
///
/// If `tls` is not one version that rustls speaks.
pub(crate) fn protocol_version(tls: TlsVersions) -> &'static SupportedProtocolVersion {
    match tls {
        TlsVersions::Tls12 => &rustls::version::TLS12,
        TlsVersions::Tls13 => &rustls::version::TLS13,
        other => panic!("{other} is not one version"),
    }
}

/// A client that verifies chain and name, as an application would build it.
///
/// # Panics
///
/// If the authority's root cannot be made, or rustls refuses it.
pub(crate) fn rustls_client(
    provider: &Arc<CryptoProvider>,
    authority: &Authority,
    tls: TlsVersions,
    resumption: bool,
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(authority.root(KEY).expect("a root")).expect("a trust anchor");
    let mut config = ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(&[protocol_version(tls)])
        .expect("a version that the provider speaks")
        .with_root_certificates(roots)
        .with_no_client_auth();
    if !resumption {
        config.resumption = Resumption::disabled();
    }
    config
}
