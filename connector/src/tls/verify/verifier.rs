//! The verifier as rustls asks it.

use std::sync::Arc;

use ::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use ::rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key};
use ::rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, ServerName, SubjectPublicKeyInfoDer, UnixTime,
};
use ::rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, PeerIncompatible, SignatureScheme,
};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::certificate::Certificate;
use super::chain::{Judge, Objection};
use super::problem::Problem;
use super::revocation::List;
use super::signature::{self, Key};
use super::store::Store;

/// Verifies as libpq does. Whether the host is named is asked after the handshake.
#[derive(Debug)]
pub(in crate::tls) struct Verifier {
    /// None: any certificate passes.
    trust: Option<Store>,
    /// None: revocation is not checked.
    lists: Option<Vec<List>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    /// Lets every certificate pass, and verifies the handshake's signatures.
    pub(in crate::tls) fn lenient(algorithms: WebPkiSupportedAlgorithms) -> Verifier {
        Verifier { trust: None, lists: None, algorithms }
    }

    /// Verifies the chain as well.
    ///
    /// # Errors
    /// A revocation list that cannot be read.
    pub(in crate::tls) fn strict(
        store: Store,
        lists: Option<&[CertificateRevocationListDer<'static>]>,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Result<Verifier, Error> {
        let read = |list: &CertificateRevocationListDer<'_>| {
            List::read(list).map_err(|_| other("a revocation list cannot be read".to_owned()))
        };
        let lists = lists.map(|lists| lists.iter().map(read).collect()).transpose()?;
        Ok(Verifier { trust: Some(store), lists, algorithms })
    }

    fn chain(
        &self,
        store: &Store,
        end_entity: &CertificateDer<'_>,
        sent: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let leaf = Certificate::read(end_entity)
            .map_err(|_| Error::from(CertificateError::BadEncoding))?;
        // OpenSSL makes no handshake with a server that sends what it cannot read, whether it is needed or not.
        let sent = sent
            .iter()
            .map(|certificate| Certificate::read(certificate))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| Error::from(CertificateError::BadEncoding))?;
        let judge = Judge {
            store,
            lists: self.lists.as_deref(),
            now: i64::try_from(now.as_secs()).unwrap_or(i64::MAX),
            algorithms: &self.algorithms,
        };
        judge.judge(&leaf, &sent).map_err(|objection| error(&objection))
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(store) = &self.trust {
            self.chain(store, end_entity, intermediates, now)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if signature::wants_signing_key(signed.scheme) && !may_sign(certificate) {
            return Err(CertificateError::InvalidPurpose.into());
        }
        let key = public_key(certificate)?;
        let key = Key::read(&key).map_err(|_| Error::from(CertificateError::BadEncoding))?;
        let (_, candidates) = self
            .algorithms
            .mapping
            .iter()
            .find(|(scheme, _)| *scheme == signed.scheme)
            .ok_or(PeerIncompatible::NoSignatureSchemesInCommon)?;
        // In TLS 1.2 a scheme leaves the curve open: the algorithm that fits the key decides.
        let valid =
            candidates.iter().any(|&algorithm| key.made(signed.signature(), message, algorithm));
        match valid {
            true => Ok(HandshakeSignatureValid::assertion()),
            false => Err(CertificateError::BadSignature.into()),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature_with_raw_key(
            message,
            &public_key(certificate)?,
            signed,
            &self.algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The key by itself: webpki reads no certificate of version 1, and there the chain may not be asked for.
fn public_key(certificate: &CertificateDer<'_>) -> Result<SubjectPublicKeyInfoDer<'static>, Error> {
    let (_, certificate) = X509Certificate::from_der(certificate)
        .map_err(|_| Error::from(CertificateError::BadEncoding))?;
    Ok(SubjectPublicKeyInfoDer::from(certificate.public_key().raw.to_vec()))
}

/// Whether the key usage, where there is one, allows signatures in handshakes.
fn may_sign(certificate: &CertificateDer<'_>) -> bool {
    X509Certificate::from_der(certificate).is_ok_and(|(_, certificate)| {
        certificate
            .key_usage()
            .is_ok_and(|usage| usage.is_none_or(|usage| usage.value.digital_signature()))
    })
}

/// In rustls' words, by which it chooses the alert; where it has none, or a root of one's own is at fault and should not
/// read as a stranger's certificate, in ours.
fn error(objection: &Objection<'_>) -> Error {
    let told = match objection.problem {
        Problem::Malformed => CertificateError::BadEncoding,
        Problem::Revoked => CertificateError::Revoked,
        Problem::NoList => CertificateError::UnknownRevocationStatus,
        Problem::ListExpired => CertificateError::ExpiredRevocationList,
        Problem::UnknownIssuer => CertificateError::UnknownIssuer,
        Problem::BadSignature => CertificateError::BadSignature,
        Problem::Expired if !objection.is_root => CertificateError::Expired,
        Problem::NotValidYet if !objection.is_root => CertificateError::NotValidYet,
        Problem::NotForServers if !objection.is_root => CertificateError::InvalidPurpose,
        Problem::UnknownExtension if !objection.is_root => {
            CertificateError::UnhandledCriticalExtension
        }
        problem => {
            let what = if objection.is_root { "root certificate" } else { "certificate" };
            let name = X509Certificate::from_der(&objection.certificate.der)
                .map(|(_, certificate)| certificate.subject().to_string())
                .unwrap_or_default();
            return other(format!("the {what} \"{name}\" {problem}"));
        }
    };
    told.into()
}

/// A reason that rustls has no word for.
#[derive(thiserror::Error)]
#[error("{0}")]
struct Reason(String);

/// rustls shows it so, and the text is what matters.
impl std::fmt::Debug for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

pub(super) fn other(text: String) -> Error {
    CertificateError::Other(OtherError(Arc::new(Reason(text)))).into()
}
