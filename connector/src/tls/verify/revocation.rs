//! Revocation lists, chosen and checked as OpenSSL does with libpq's flags: one for every certificate of the chain, the
//! root's own included (`check_cert`, `get_crl_score`, `check_crl`).

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls_pki_types::CertificateRevocationListDer;
use webpki::{CertRevocationList, OwnedCertRevocationList};

use super::certificate::{AuthorityKey, Certificate, DistributionPoint, KeyUsage, PointName};
use super::chain::Problem;
use super::der::{
    self, BOOLEAN, GENERALIZED_TIME, INTEGER, Malformed, OBJECT_IDENTIFIER, OCTET_STRING, Reader,
    SEQUENCE, UTC_TIME, constructed, context,
};
use super::names::{GeneralName, Name};
use super::signature::Signed;

/// One list (RFC 5280, section 5).
#[derive(Debug)]
pub(super) struct List {
    /// webpki finds serial numbers, and refuses what neither it nor OpenSSL supports: deltas, indirect lists, lists
    /// for some reasons only, and critical extensions that are not known.
    entries: CertRevocationList<'static>,
    signed: Signed,
    issuer: Name,
    this_update: i64,
    next_update: Option<i64>,
    authority_key: Option<AuthorityKey>,
    scope: Scope,
}

/// issuingDistributionPoint (section 5.2.5).
#[derive(Debug, Default)]
struct Scope {
    name: Option<PointName>,
    only_users: bool,
    only_authorities: bool,
    only_attributes: bool,
}

/// How well a list suits a certificate; the fields in the order in which they count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Score {
    in_scope: bool,
    in_time: bool,
    /// It is the certificate's issuer that signed it, and not one further up.
    by_issuer: bool,
    this_update: i64,
}

/// The list cannot be read, or is of a kind that is not supported.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    #[error("a revocation list cannot be used: {0}")]
    Unsupported(webpki::Error),
    #[error("a revocation list cannot be read")]
    Malformed(#[from] Malformed),
}

impl List {
    pub(super) fn read(der: &CertificateRevocationListDer<'_>) -> Result<List, Unusable> {
        let entries = OwnedCertRevocationList::from_der(der).map_err(Unusable::Unsupported)?;
        let (signed, mut tbs) = Signed::read(der)?;
        tbs.optional(INTEGER)?;
        signed.same_algorithm(tbs.expect(SEQUENCE)?)?;
        let issuer = Name::read(tbs.expect(SEQUENCE)?.contents)?;
        let this_update = der::time(tbs.value()?)?;
        let next_update = match tbs.optional(UTC_TIME)? {
            Some(time) => Some(time),
            None => tbs.optional(GENERALIZED_TIME)?,
        };
        let next_update = next_update.map(der::time).transpose()?;
        tbs.optional(SEQUENCE)?;
        let mut list = List {
            entries: CertRevocationList::from(entries),
            signed,
            issuer,
            this_update,
            next_update,
            authority_key: None,
            scope: Scope::default(),
        };
        if let Some(extensions) = tbs.optional(constructed(0))? {
            list.read_extensions(der::only(extensions.contents, SEQUENCE)?)?;
        }
        tbs.finish()?;
        Ok(list)
    }

    fn read_extensions(&mut self, contents: &[u8]) -> der::Result<()> {
        let mut extensions = Reader::new(contents);
        while !extensions.is_empty() {
            let mut extension = Reader::new(extensions.expect(SEQUENCE)?.contents);
            let kind = extension.expect(OBJECT_IDENTIFIER)?.contents;
            extension.optional(BOOLEAN)?;
            let value = extension.expect(OCTET_STRING)?.contents;
            match kind {
                // authorityKeyIdentifier and issuingDistributionPoint.
                [0x55, 0x1d, 0x23] => self.authority_key = Some(AuthorityKey::read(value)?),
                [0x55, 0x1d, 0x1c] => self.scope = Scope::read(value)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn in_time(&self, now: i64) -> Result<(), Problem> {
        if self.this_update > now {
            Err(Problem::ListNotValidYet)
        } else if self.next_update.is_some_and(|next| next <= now) {
            Err(Problem::ListExpired)
        } else {
            Ok(())
        }
    }

    /// Whether it speaks of this certificate (`crl_crldp_check`).
    fn covers(&self, certificate: &Certificate) -> bool {
        let extensions = &certificate.extensions;
        let is_authority = extensions.basic_constraints.is_some_and(|found| found.authority);
        let wrong_kind =
            if is_authority { self.scope.only_users } else { self.scope.only_authorities };
        if self.scope.only_attributes || wrong_kind {
            return false;
        }
        let here = extensions.distribution_points.iter().find(|point| self.is_from(point));
        match here {
            Some(point) => point.every_reason,
            None => self.scope.name.is_none(),
        }
    }

    fn is_from(&self, point: &DistributionPoint) -> bool {
        let by_this_issuer = point.list_issuers.as_ref().is_none_or(|issuers| {
            issuers.iter().any(|name| {
                matches!(name, GeneralName::Directory(name) if name.canonical == self.issuer.canonical)
            })
        });
        by_this_issuer
            && match (&point.name, &self.scope.name) {
                (None, _) | (_, None) => true,
                (Some(PointName::Full(of_point)), Some(PointName::Full(of_list))) => {
                    of_point.iter().any(|name| of_list.contains(name))
                }
                _ => false,
            }
    }

    /// The certificate of the chain that signed it, for the one at `depth`; and whether that is its issuer
    /// (`crl_akid_check`).
    fn signer<'a>(
        &self,
        chain: &[&'a Certificate],
        depth: usize,
    ) -> Option<(&'a Certificate, bool)> {
        let identified = |authority: &Certificate| {
            self.authority_key.as_ref().is_none_or(|key| key.is_of(authority))
        };
        let next = (depth + 1).min(chain.len() - 1);
        if identified(chain[next]) {
            return Some((chain[next], true));
        }
        chain[next + 1..]
            .iter()
            .find(|link| link.subject.canonical == self.issuer.canonical && identified(link))
            .map(|&link| (link, false))
    }
}

impl Scope {
    fn read(bytes: &[u8]) -> der::Result<Scope> {
        let mut reader = Reader::new(der::only(bytes, SEQUENCE)?);
        let name = reader
            .optional(constructed(0))?
            .map(|name| PointName::read(name.contents))
            .transpose()?;
        let mut flag = |number| match reader.optional(context(number))? {
            Some(flag) => der::boolean(flag.contents),
            None => Ok(false),
        };
        let (only_users, only_authorities) = (flag(1)?, flag(2)?);
        // onlySomeReasons and indirectCRL are refused before.
        reader.optional(context(3))?;
        reader.optional(context(4))?;
        let only_attributes = match reader.optional(context(5))? {
            Some(flag) => der::boolean(flag.contents)?,
            None => false,
        };
        reader.finish()?;
        if usize::from(only_users) + usize::from(only_authorities) + usize::from(only_attributes)
            > 1
        {
            return Err(Malformed);
        }
        Ok(Scope { name, only_users, only_authorities, only_attributes })
    }
}

/// Whether the certificate at `depth` of the chain is on no list, and there is a list that would have it.
pub(super) fn check(
    lists: &[List],
    chain: &[&Certificate],
    depth: usize,
    now: i64,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<(), Problem> {
    let certificate = chain[depth];
    let mut best: Option<(Score, &List, &Certificate)> = None;
    for list in lists.iter().filter(|list| list.issuer.canonical == certificate.issuer.canonical) {
        let Some((signer, by_issuer)) = list.signer(chain, depth) else { continue };
        let score = Score {
            in_scope: list.covers(certificate),
            in_time: list.in_time(now).is_ok(),
            by_issuer,
            this_update: list.this_update,
        };
        // Of two that are equally good the first one is taken.
        if best.as_ref().is_none_or(|(known, ..)| score > *known) {
            best = Some((score, list, signer));
        }
    }
    let (score, list, signer) = best.ok_or(Problem::NoList)?;
    if !signer.may(KeyUsage::LIST_SIGN) {
        return Err(Problem::MayNotSignLists);
    }
    if !score.in_scope {
        return Err(Problem::NoList);
    }
    list.in_time(now)?;
    if !list.signed.is_by(&signer.key, algorithms) {
        return Err(Problem::ListForged);
    }
    match list.entries.find_serial(&certificate.serial) {
        Ok(None) => Ok(()),
        Ok(Some(_)) | Err(_) => Err(Problem::Revoked),
    }
}
