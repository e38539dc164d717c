//! A certificate, read once: what OpenSSL keeps of it in `ossl_x509v3_cache_extensions`.

use super::der::{self, INTEGER, Malformed, Reader, SEQUENCE, constructed, context};
use super::extensions::{AuthorityKey, Extensions};
use super::names::Name;
use super::signature::{self, KeyKind, Signed};

/// What is judged of a certificate.
#[derive(Debug, Clone)]
pub(in crate::tls) struct Certificate {
    /// All of it: two are the same if these bytes are.
    pub(in crate::tls) der: Vec<u8>,
    pub(super) signed: Signed,
    /// Version 1, which has no extensions; roots of old are of it.
    pub(super) is_version_1: bool,
    pub(super) serial: Vec<u8>,
    pub(super) issuer: Name,
    pub(super) subject: Name,
    /// Seconds since 1970: valid from the first second on, and in the last one no longer.
    pub(super) validity: (i64, i64),
    pub(super) key: signature::Key,
    pub(super) extensions: Extensions,
}

impl Certificate {
    /// Reads it (RFC 5280, section 4.1).
    ///
    /// # Errors
    /// It is malformed. (An extension that is makes only the certificate useless.)
    pub(in crate::tls) fn read(der: &[u8]) -> Result<Certificate, Malformed> {
        let (mut signed, mut tbs) = Signed::read(der)?;
        let version = match tbs.optional(constructed(0))? {
            Some(version) => der::unsigned(der::only(version.contents, INTEGER)?)?,
            None => 0,
        };
        let serial = der::serial(tbs.expect(INTEGER)?.contents)?;
        signed.note_inner_algorithm(tbs.expect(SEQUENCE)?)?;
        let issuer = Name::read(tbs.expect(SEQUENCE)?.contents)?;
        let mut dates = Reader::new(tbs.expect(SEQUENCE)?.contents);
        let validity = (der::time(dates.value()?)?, der::time(dates.value()?)?);
        dates.finish()?;
        let subject = Name::read(tbs.expect(SEQUENCE)?.contents)?;
        let key = signature::Key::read(tbs.expect(SEQUENCE)?.whole)?;
        // issuerUniqueID and subjectUniqueID.
        tbs.optional(context(1))?;
        tbs.optional(context(2))?;
        let extensions = match tbs.optional(constructed(3))? {
            Some(extensions) => Extensions::read(der::only(extensions.contents, SEQUENCE)?)?,
            None => Extensions::default(),
        };
        tbs.finish()?;
        Ok(Certificate {
            der: der.to_vec(),
            signed,
            is_version_1: version == 0,
            serial,
            issuer,
            subject,
            validity,
            key,
            extensions,
        })
    }

    /// Whether this is its subject.
    pub(in crate::tls) fn is_named(&self, name: &Name) -> bool {
        self.subject.canonical == name.canonical
    }

    /// Its own issuer by name (OpenSSL's `EXFLAG_SI`).
    pub(super) fn is_self_issued(&self) -> bool {
        self.subject.canonical == self.issuer.canonical
    }

    /// Its own issuer as far as can be told without looking at the signature (`EXFLAG_SS`).
    pub(super) fn is_self_signed(&self) -> bool {
        self.is_issued_by(self)
    }

    /// Whether `issuer` may be this one's: by name, by what the authority key identifier says, and by the kind of key
    /// (`ossl_x509_likely_issued`).
    pub(super) fn is_issued_by(&self, issuer: &Certificate) -> bool {
        let identified =
            self.extensions.authority_key.as_ref().is_none_or(|key| issuer.is_named_by(key));
        !self.extensions.malformed
            && !issuer.extensions.malformed
            && self.issuer.canonical == issuer.subject.canonical
            && identified
            && match self.signed.signer {
                Some(KeyKind::RsaPss) => {
                    matches!(issuer.key.kind, Some(KeyKind::Rsa | KeyKind::RsaPss))
                }
                Some(kind) => issuer.key.kind == Some(kind),
                None => false,
            }
    }

    /// Whether the key usage, where there is one, has one of these bits.
    pub(super) fn may(&self, usage: u16) -> bool {
        self.extensions.key_usage.is_none_or(|known| known.allows(usage))
    }

    /// Whether an authority key identifier names this one, as far as both say (`X509_check_akid`).
    pub(super) fn is_named_by(&self, key: &AuthorityKey) -> bool {
        let differs = |wanted: &Option<Vec<u8>>, is: Option<&Vec<u8>>| matches!((wanted, is), (Some(wanted), Some(is)) if wanted != is);
        !differs(&key.identifier, self.extensions.subject_key.as_ref())
            && !differs(&key.serial, Some(&self.serial))
            && key.issuer.as_ref().is_none_or(|name| name.canonical == self.issuer.canonical)
    }

    /// Valid at this second (`ossl_x509_check_cert_time`).
    pub(super) fn is_valid_at(&self, now: i64) -> bool {
        self.validity.0 <= now && now < self.validity.1
    }
}
