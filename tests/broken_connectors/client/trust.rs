//! The TLS handshake, and whom it makes sure of.

use std::sync::Arc;

use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
        client::{
            danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
            verify_server_cert_signed_by_trust_anchor, verify_server_name,
        },
        crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
        pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
        server::ParsedCertificate,
    },
};

use super::{
    attempts::Failure,
    fault::Fault,
    settings::{Mode, Settings},
    wire::Connection,
};

/// The protocol by its ALPN name.
const ALPN: &[u8] = b"postgresql";

/// Goes over to TLS as the settings want it.
pub(super) async fn secure(
    connection: Connection,
    settings: &Settings,
) -> Result<Connection, Failure> {
    if settings.roots.is_none() && settings.verifies() {
        return Err(Failure::last("root certificate file does not exist"));
    }
    let name = ServerName::try_from(settings.host.clone()).map_err(Failure::last)?;
    let connector = TlsConnector::from(Arc::new(config(settings).map_err(Failure::last)?));
    let connection = connection
        .secure(&connector, name)
        .await
        .map_err(|error| Failure::NextMethod(format!("SSL error: {error}")))?;
    let alpn = connection.tls().and_then(|session| session.alpn_protocol());
    if settings.direct && alpn != Some(ALPN) {
        return Err(Failure::last("direct SSL connection without ALPN"));
    }
    Ok(connection)
}

fn config(settings: &Settings) -> Result<ClientConfig, String> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    if let Some(file) = &settings.roots {
        let certificates =
            CertificateDer::pem_file_iter(file).map_err(|error| error.to_string())?;
        for certificate in certificates {
            let certificate = certificate.map_err(|error| error.to_string())?;
            roots.add(certificate).map_err(|error| error.to_string())?;
        }
    }
    let verifier = Verifier {
        // The root decides, not the mode.
        chain: (settings.roots.is_some() && !settings.has(Fault::SkipsTheChain)).then_some(roots),
        name: settings.mode == Mode::VerifyFull && !settings.has(Fault::SkipsTheName),
        provider: Arc::clone(&provider),
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(config)
}

/// Verifies what the mode wants to be verified.
#[derive(Debug)]
struct Verifier {
    /// What the chain has to end in, if it is verified.
    chain: Option<RootCertStore>,
    name: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.chain.is_some() || self.name {
            let parsed = ParsedCertificate::try_from(certificate)?;
            if let Some(roots) = &self.chain {
                let algorithms = self.provider.signature_verification_algorithms.all;
                verify_server_cert_signed_by_trust_anchor(
                    &parsed,
                    roots,
                    intermediates,
                    now,
                    algorithms,
                )?;
            }
            if self.name {
                verify_server_name(&parsed, name)?;
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
