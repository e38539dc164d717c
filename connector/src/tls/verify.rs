//! The certificate verifier for rustls: chains as OpenSSL verifies them for libpq, signatures always, names never.

use std::sync::Arc;

use ::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use ::rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key};
use ::rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, ServerName, SubjectPublicKeyInfoDer, UnixTime,
};
use ::rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, PeerIncompatible, SignatureScheme,
};
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage, OwnedCertRevocationList,
    RawPublicKeyEntity, RevocationCheckDepth, RevocationOptionsBuilder, UnknownStatusPolicy,
    VerifiedPath,
};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::revocation_list::CertificateRevocationList;

use super::trust::{self, Store};

/// Verifies as libpq does. Whether the host is named is asked after the handshake.
#[derive(Debug)]
pub(super) struct Verifier {
    /// None: any certificate passes.
    trust: Option<Store>,
    revocation: Option<Revocation>,
    algorithms: WebPkiSupportedAlgorithms,
}

#[derive(Debug)]
struct Revocation {
    lists: Vec<CertRevocationList<'static>>,
    /// The latest thisUpdate, which webpki does not look at.
    issued: i64,
}

impl Revocation {
    fn new(lists: &[CertificateRevocationListDer<'static>]) -> Result<Revocation, Error> {
        let mut issued = i64::MIN;
        let mut parsed = Vec::with_capacity(lists.len());
        for list in lists {
            let (_, dates) = CertificateRevocationList::from_der(list)
                .map_err(|error| other(error.to_string()))?;
            issued = issued.max(dates.last_update().timestamp());
            let list = OwnedCertRevocationList::from_der(list)
                .map_err(|error| other(error.to_string()))?;
            parsed.push(CertRevocationList::from(list));
        }
        Ok(Revocation { lists: parsed, issued })
    }

    /// Whether the list of the authority with this name names the serial number.
    fn names(&self, issuer: &[u8], serial: &[u8]) -> bool {
        self.lists
            .iter()
            .filter(|list| list.issuer() == issuer)
            .any(|list| !matches!(list.find_serial(serial), Ok(None)))
    }
}

impl Verifier {
    /// Lets every certificate pass, and verifies the handshake's signatures.
    pub(super) fn lenient(algorithms: WebPkiSupportedAlgorithms) -> Verifier {
        Verifier { trust: None, revocation: None, algorithms }
    }

    /// Verifies the chain as well.
    ///
    /// # Errors
    /// A revocation list that cannot be read.
    pub(super) fn strict(
        store: Store,
        revocation: Option<&[CertificateRevocationListDer<'static>]>,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Result<Verifier, Error> {
        let revocation = revocation.map(Revocation::new).transpose()?;
        Ok(Verifier { trust: Some(store), revocation, algorithms })
    }

    fn chain(
        &self,
        store: &Store,
        end_entity: &CertificateDer<'_>,
        sent: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let (_, leaf) = X509Certificate::from_der(end_entity)
            .map_err(|_| Error::from(CertificateError::BadEncoding))?;
        // webpki does not look at the leaf's key usage; OpenSSL wants one of those that TLS makes use of.
        if !trust::key_usage_or(&leaf, |usage| {
            usage.digital_signature() || usage.key_encipherment() || usage.key_agreement()
        }) {
            return Err(CertificateError::InvalidPurpose.into());
        }
        if store.holds_self_signed(end_entity) {
            return self.own_root(&leaf, now);
        }
        if let Some(revocation) = &self.revocation {
            let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
            if revocation.lists.is_empty() {
                return Err(CertificateError::UnknownRevocationStatus.into());
            }
            if revocation.issued > now {
                return Err(other("a revocation list is not valid yet".to_owned()));
            }
        }
        let borrowed: Vec<&CertRevocationList<'_>> =
            self.revocation.iter().flat_map(|revocation| &revocation.lists).collect();
        let options = match borrowed.is_empty() {
            true => None,
            false => Some(
                RevocationOptionsBuilder::new(&borrowed)
                    .map_err(|_| Error::General("no revocation list".to_owned()))?
                    .with_depth(RevocationCheckDepth::Chain)
                    .with_status_policy(UnknownStatusPolicy::Deny)
                    .with_expiration_policy(ExpirationPolicy::Enforce)
                    .build(),
            ),
        };
        let constrained = !names_a_host(&leaf);
        let intermediates: Vec<CertificateDer<'_>> = sent
            .iter()
            .chain(&store.intermediates)
            .map(|certificate| certificate.as_ref().into())
            .collect();
        EndEntityCert::try_from(end_entity)
            .and_then(|certificate| {
                certificate
                    .verify_for_usage(
                        self.algorithms.all,
                        &store.anchors(now, self.revocation.is_some()),
                        &intermediates,
                        now,
                        KeyUsage::server_auth(),
                        options,
                        Some(&|path: &VerifiedPath<'_>| self.path(store, path, constrained, now)),
                    )
                    // The path borrows the certificate.
                    .map(|_| ())
            })
            .map_err(|error| match error {
                webpki::Error::UnknownIssuer => self
                    .useless_root(store, leaf, &intermediates, now)
                    .unwrap_or(CertificateError::UnknownIssuer.into()),
                error => certificate_error(error),
            })
    }

    /// Whether the chain leads to a self-signed entry that is there and of no use: an expired root file should not read
    /// as a stranger's certificate.
    fn useless_root(
        &self,
        store: &Store,
        leaf: X509Certificate<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Option<Error> {
        let mut links: Vec<X509Certificate<'_>> = intermediates
            .iter()
            .filter_map(|der| X509Certificate::from_der(der).ok().map(|(_, parsed)| parsed))
            .collect();
        let mut lowest = leaf;
        loop {
            let issuer = lowest.issuer();
            if let Some(why) = store.objection(issuer.as_raw(), now, self.revocation.is_some()) {
                return Some(other(format!("the root certificate \"{issuer}\" {why}")));
            }
            let next = links.iter().position(|link| link.subject().as_raw() == issuer.as_raw())?;
            lowest = links.swap_remove(next);
        }
    }

    /// What OpenSSL checks in a chain and webpki does not.
    fn path(
        &self,
        store: &Store,
        path: &VerifiedPath<'_>,
        leaf_without_names: bool,
        now: UnixTime,
    ) -> Result<(), webpki::Error> {
        let mut constrained = path.anchor().name_constraints.is_some();
        let mut counted = 0;
        for certificate in path.intermediate_certificates() {
            let der = certificate.der();
            let (_, certificate) =
                X509Certificate::from_der(&der).map_err(|_| webpki::Error::BadDer)?;
            if !trust::key_usage_or(&certificate, x509_parser::extensions::KeyUsage::key_cert_sign)
            {
                return Err(webpki::Error::CaUsedAsEndEntity);
            }
            constrained |=
                certificate.name_constraints().map_err(|_| webpki::Error::BadDer)?.is_some();
            // Those that are their own issuer by name do not count (RFC 5280, section 4.2.1.9).
            counted += usize::from(certificate.subject().as_raw() != certificate.issuer().as_raw());
        }
        // webpki holds name constraints against SANs only, and libpq may yet go by the common name.
        if constrained && leaf_without_names {
            return Err(webpki::Error::NameConstraintViolation);
        }
        let anchor = path.anchor();
        let revoked = |serial: &[u8]| {
            self.revocation
                .as_ref()
                .is_some_and(|revocation| revocation.names(anchor.subject.as_ref(), serial))
        };
        store.allows(anchor, counted, now, revoked)
    }

    /// The server shows a self-signed entry of the root file itself: its dates and usage decide.
    fn own_root(&self, leaf: &X509Certificate<'_>, now: UnixTime) -> Result<(), Error> {
        let validity = leaf.validity();
        let error = if !trust::server_auth_allowed(leaf) {
            CertificateError::InvalidPurpose
        } else if !trust::extensions_known(leaf) {
            CertificateError::UnhandledCriticalExtension
        } else if validity.not_before.timestamp() > i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
        {
            CertificateError::NotValidYet
        } else if !trust::covers(i64::MIN, validity.not_after.timestamp(), now) {
            CertificateError::Expired
        } else if self.revocation.is_some() {
            // It would have to be revoked, or not, by a list of its own, which nobody makes.
            CertificateError::UnknownRevocationStatus
        } else {
            return Ok(());
        };
        Err(error.into())
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
        let key = public_key(certificate)?;
        let key = RawPublicKeyEntity::try_from(&key).map_err(certificate_error)?;
        let (_, candidates) = self
            .algorithms
            .mapping
            .iter()
            .find(|(scheme, _)| *scheme == signed.scheme)
            .ok_or(PeerIncompatible::NoSignatureSchemesInCommon)?;
        // In TLS 1.2 a scheme leaves the curve open: the algorithm that fits the key decides.
        let valid = candidates
            .iter()
            .any(|&algorithm| key.verify_signature(algorithm, message, signed.signature()).is_ok());
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

/// Whether the certificate has a dNSName, so that its common name is not a host's.
fn names_a_host(certificate: &X509Certificate<'_>) -> bool {
    use x509_parser::prelude::GeneralName;
    matches!(certificate.subject_alternative_name(), Ok(Some(names))
        if names.value.general_names.iter().any(|name| matches!(name, GeneralName::DNSName(_))))
}

fn certificate_error(error: webpki::Error) -> Error {
    use webpki::Error as E;
    match error {
        E::BadDer | E::BadDerTime | E::TrailingData(_) => CertificateError::BadEncoding.into(),
        E::CertExpired { .. } => CertificateError::Expired.into(),
        E::CertNotValidYet { .. } => CertificateError::NotValidYet.into(),
        E::UnknownIssuer => CertificateError::UnknownIssuer.into(),
        E::CertRevoked => CertificateError::Revoked.into(),
        E::UnknownRevocationStatus => CertificateError::UnknownRevocationStatus.into(),
        E::CrlExpired { .. } => CertificateError::ExpiredRevocationList.into(),
        E::InvalidSignatureForPublicKey => CertificateError::BadSignature.into(),
        E::RequiredEkuNotFoundContext(_) => CertificateError::InvalidPurpose.into(),
        error => CertificateError::Other(OtherError(Arc::new(error))).into(),
    }
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

fn other(text: String) -> Error {
    CertificateError::Other(OtherError(Arc::new(Reason(text)))).into()
}

#[cfg(all(test, feature = "aws-lc-rs"))]
mod tests;
