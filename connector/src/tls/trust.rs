//! Which entries of a root file are trust anchors: OpenSSL's reading of it, which libpq relies on.
//!
//! webpki takes an anchor's name and key and looks at nothing else in it; so all that OpenSSL would check in a root
//! (dates, basic constraints, key usage, extended key usage, path length) is checked here.

use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use x509_parser::prelude::{FromDer, ParsedExtension, X509Certificate};

/// A root file (or the system's store), sorted.
#[derive(Debug, Default)]
pub(super) struct Store {
    /// Self-signed certification authorities.
    anchors: Vec<Anchor>,
    /// Self-signed entries that are none, by their names, and why not.
    useless: Vec<(Vec<u8>, &'static str)>,
    /// Self-signed entries by their bytes; only the server showing one of them makes use of it.
    self_signed: Vec<CertificateDer<'static>>,
    /// The others: links of a chain, not ends of it.
    pub(super) intermediates: Vec<CertificateDer<'static>>,
}

/// A trust anchor and what webpki would not look at.
#[derive(Debug)]
struct Anchor {
    anchor: TrustAnchor<'static>,
    /// The subject, DER.
    name: Vec<u8>,
    serial: Vec<u8>,
    /// How many intermediates may stand below it.
    path_length: Option<u32>,
    not_before: i64,
    not_after: i64,
    signs_lists: bool,
}

impl Store {
    /// Sorts the entries. One that cannot be read is left out, so that nothing can chain to it.
    pub(super) fn new(certificates: &[CertificateDer<'static>]) -> Store {
        let mut store = Store::default();
        for certificate in certificates {
            let Ok((_, parsed)) = X509Certificate::from_der(certificate) else {
                tracing::debug!("a root certificate cannot be read and is left out");
                continue;
            };
            if !is_self_signed(&parsed) {
                store.intermediates.push(certificate.clone());
                continue;
            }
            let name = parsed.subject().as_raw().to_vec();
            match anchor(certificate, &parsed) {
                Ok(anchor) => store.anchors.push(Anchor {
                    anchor,
                    name,
                    serial: parsed.raw_serial().to_vec(),
                    path_length: basic_constraints(&parsed)
                        .and_then(|constraints| constraints.path_len_constraint),
                    not_before: parsed.validity().not_before.timestamp(),
                    not_after: parsed.validity().not_after.timestamp(),
                    signs_lists: key_usage_or(&parsed, x509_parser::extensions::KeyUsage::crl_sign),
                }),
                Err(why) => store.useless.push((name, why)),
            }
            store.self_signed.push(certificate.clone());
        }
        store
    }

    /// The anchors that are valid at `now`; only those that may sign revocation lists, if lists are needed.
    pub(super) fn anchors(&self, now: UnixTime, lists: bool) -> Vec<TrustAnchor<'_>> {
        self.valid(now)
            .filter(|known| !lists || known.signs_lists)
            .map(|known| borrowed(&known.anchor))
            .collect()
    }

    /// Passes if one of the anchors with this name and key allows so many intermediates, and is not `revoked`.
    pub(super) fn allows(
        &self,
        anchor: &TrustAnchor<'_>,
        intermediates: usize,
        now: UnixTime,
        revoked: impl Fn(&[u8]) -> bool,
    ) -> Result<(), webpki::Error> {
        let mut objection = webpki::Error::PathLenConstraintViolated;
        for known in self.valid(now).filter(|known| {
            known.anchor.subject == anchor.subject
                && known.anchor.subject_public_key_info == anchor.subject_public_key_info
        }) {
            if revoked(&known.serial) {
                objection = webpki::Error::CertRevoked;
            } else if known.path_length.is_none_or(|most| intermediates as u64 <= u64::from(most)) {
                return Ok(());
            }
        }
        Err(objection)
    }

    /// Why nothing chains to the self-signed entry of this name; none if there is no such entry, or no such reason.
    pub(super) fn objection(
        &self,
        name: &[u8],
        now: UnixTime,
        lists: bool,
    ) -> Option<&'static str> {
        let of_anchor = |known: &Anchor| {
            if !covers(i64::MIN, known.not_after, now) {
                Some("has expired")
            } else if !covers(known.not_before, i64::MAX, now) {
                Some("is not valid yet")
            } else if lists && !known.signs_lists {
                Some("may not sign revocation lists")
            } else {
                None
            }
        };
        let useless = self.useless.iter().find(|(known, _)| known == name).map(|(_, why)| *why);
        let anchors = || self.anchors.iter().filter(|known| known.name == name).find_map(of_anchor);
        useless.or_else(anchors)
    }

    fn valid(&self, now: UnixTime) -> impl Iterator<Item = &Anchor> {
        self.anchors.iter().filter(move |anchor| covers(anchor.not_before, anchor.not_after, now))
    }

    /// Whether the server's certificate is, byte for byte, a self-signed entry.
    pub(super) fn holds_self_signed(&self, certificate: &CertificateDer<'_>) -> bool {
        self.self_signed.iter().any(|entry| entry == certificate)
    }
}

/// The anchor that a self-signed entry is, or why OpenSSL would not take it for one.
fn anchor(
    certificate: &CertificateDer<'_>,
    parsed: &X509Certificate<'_>,
) -> Result<TrustAnchor<'static>, &'static str> {
    if !may_sign_certificates(parsed) {
        return Err("may not sign certificates");
    }
    if !server_auth_allowed(parsed) {
        return Err("is not for servers");
    }
    if !extensions_known(parsed) {
        return Err("has a critical extension that is not known");
    }
    webpki::anchor_from_trusted_cert(certificate)
        .map(|anchor| anchor.to_owned())
        .map_err(|_| "cannot be read")
}

/// The anchor without a copy of its bytes: a system's store has more than a hundred, and every handshake asks for them.
fn borrowed<'a>(anchor: &'a TrustAnchor<'_>) -> TrustAnchor<'a> {
    TrustAnchor {
        subject: anchor.subject.as_ref().into(),
        subject_public_key_info: anchor.subject_public_key_info.as_ref().into(),
        name_constraints: anchor.name_constraints.as_ref().map(|der| der.as_ref().into()),
    }
}

/// OpenSSL's idea of it: its own issuer by name and, where it says so, by key. The signature is not looked at, since
/// the user vouches for the entry.
fn is_self_signed(certificate: &X509Certificate<'_>) -> bool {
    if certificate.subject().as_raw() != certificate.issuer().as_raw() {
        return false;
    }
    let mut own = None;
    let mut issuer = None;
    for extension in certificate.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(id) => own = Some(id.0),
            ParsedExtension::AuthorityKeyIdentifier(id) => {
                issuer = id.key_identifier.as_ref().map(|id| id.0);
            }
            _ => {}
        }
    }
    match (own, issuer) {
        (Some(own), Some(issuer)) => own == issuer,
        _ => true,
    }
}

/// OpenSSL's `check_ca`: the basic constraints say so; or the key usage, where there are none; or it is of version 1.
fn may_sign_certificates(certificate: &X509Certificate<'_>) -> bool {
    let usage = certificate.key_usage().ok().flatten();
    if usage.as_ref().is_some_and(|usage| !usage.value.key_cert_sign()) {
        return false;
    }
    match basic_constraints(certificate) {
        Some(constraints) => constraints.ca,
        None => usage.is_some() || certificate.version().0 == 0,
    }
}

fn basic_constraints<'a>(
    certificate: &'a X509Certificate<'_>,
) -> Option<&'a x509_parser::extensions::BasicConstraints> {
    certificate.basic_constraints().ok().flatten().map(|extension| extension.value)
}

/// Whether the key usage, where there is one, allows what `wanted` asks for.
pub(super) fn key_usage_or(
    certificate: &X509Certificate<'_>,
    wanted: impl Fn(&x509_parser::extensions::KeyUsage) -> bool,
) -> bool {
    match certificate.key_usage() {
        Ok(Some(usage)) => wanted(usage.value),
        Ok(None) => true,
        Err(_) => false,
    }
}

/// Whether the extended key usage, where there is one, names serverAuth.
pub(super) fn server_auth_allowed(certificate: &X509Certificate<'_>) -> bool {
    match certificate.extended_key_usage() {
        Ok(Some(usage)) => usage.value.server_auth,
        Ok(None) => true,
        Err(_) => false,
    }
}

/// Whether every critical extension is one that is understood (or, as to policies, that OpenSSL lets pass).
pub(super) fn extensions_known(certificate: &X509Certificate<'_>) -> bool {
    certificate.extensions().iter().filter(|extension| extension.critical).all(|extension| {
        matches!(
            extension.parsed_extension(),
            ParsedExtension::BasicConstraints(_)
                | ParsedExtension::KeyUsage(_)
                | ParsedExtension::ExtendedKeyUsage(_)
                | ParsedExtension::SubjectAlternativeName(_)
                | ParsedExtension::NameConstraints(_)
                | ParsedExtension::CertificatePolicies(_)
                | ParsedExtension::PolicyConstraints(_)
                | ParsedExtension::PolicyMappings(_)
                | ParsedExtension::InhibitAnyPolicy(_)
                | ParsedExtension::SubjectKeyIdentifier(_)
                | ParsedExtension::AuthorityKeyIdentifier(_)
        )
    })
}

/// Whether `now` lies within the validity, both ends included.
pub(super) fn covers(not_before: i64, not_after: i64, now: UnixTime) -> bool {
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    (not_before..=not_after).contains(&now)
}
