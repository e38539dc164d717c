//! Revocation lists, chosen and checked as OpenSSL does with libpq's flags: one for every certificate of the chain, the
//! root's own included (`check_cert`, `get_crl_score`, `check_crl`).

use std::collections::HashSet;

use rustls::crypto::WebPkiSupportedAlgorithms;

use super::certificate::Certificate;
use super::der::{
    self, GENERALIZED_TIME, INTEGER, Malformed, Reader, SEQUENCE, UTC_TIME, constructed, context,
};
use super::extensions::{AuthorityKey, DistributionPoint, KeyUsage, PointName};
use super::names::{GeneralName, Name};
use super::problem::Problem;
use super::signature::{Refused, Signed};

/// One list (RFC 5280, section 5).
#[derive(Debug)]
pub(super) struct List {
    signed: Signed,
    issuer: Name,
    pub(super) this_update: i64,
    pub(super) next_update: Option<i64>,
    pub(super) revoked: HashSet<Vec<u8>>,
    authority_key: Option<AuthorityKey>,
    scope: Scope,
    /// It says only what has changed since another list.
    is_delta: bool,
    /// A critical extension, of the list or of one of its entries, is not known.
    is_unclear: bool,
}

/// issuingDistributionPoint (section 5.2.5).
#[derive(Debug, Default)]
struct Scope {
    name: Option<PointName>,
    only_users: bool,
    only_authorities: bool,
    only_attributes: bool,
    /// It is about other authorities' certificates, or about some reasons, or contradicts itself: OpenSSL takes no notice
    /// of such a list.
    is_odd: bool,
}

/// How well a list suits a certificate; the fields in the order in which they count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Score {
    is_clear: bool,
    in_scope: bool,
    in_time: bool,
    /// It is the certificate's issuer that signed it, and not one further up.
    by_issuer: bool,
    this_update: i64,
}

impl List {
    /// Reads a list.
    pub(super) fn read(der: &[u8]) -> der::Result<List> {
        let (mut signed, mut tbs) = Signed::read(der)?;
        tbs.optional(INTEGER)?;
        signed.note_inner_algorithm(tbs.expect(SEQUENCE)?)?;
        let issuer = Name::read(tbs.expect(SEQUENCE)?.contents)?;
        let this_update = der::time(tbs.value()?)?;
        let next_update = match tbs.optional(UTC_TIME)? {
            Some(time) => Some(time),
            None => tbs.optional(GENERALIZED_TIME)?,
        };
        let mut list = List {
            signed,
            issuer,
            this_update,
            next_update: next_update.map(der::time).transpose()?,
            revoked: HashSet::new(),
            authority_key: None,
            scope: Scope::default(),
            is_delta: false,
            is_unclear: false,
        };
        if let Some(entries) = tbs.optional(SEQUENCE)? {
            let mut entries = Reader::new(entries.contents);
            while !entries.is_empty() {
                list.read_entry(entries.expect(SEQUENCE)?.contents)?;
            }
        }
        if let Some(extensions) = tbs.optional(constructed(0))? {
            list.read_extensions(der::only(extensions.contents, SEQUENCE)?)?;
        }
        tbs.finish()?;
        Ok(list)
    }

    fn read_entry(&mut self, contents: &[u8]) -> der::Result<()> {
        let mut entry = Reader::new(contents);
        let serial = der::integer(entry.expect(INTEGER)?.contents)?;
        self.revoked.insert(serial.to_vec());
        // revocationDate, of which nobody asks what it says.
        if !matches!(entry.value()?.tag, UTC_TIME | GENERALIZED_TIME) {
            return Err(Malformed);
        }
        if let Some(extensions) = entry.optional(SEQUENCE)? {
            der::for_each_extension(extensions.contents, |_, critical, _| {
                self.is_unclear |= critical;
                Ok(())
            })?;
        }
        entry.finish()
    }

    fn read_extensions(&mut self, contents: &[u8]) -> der::Result<()> {
        der::for_each_extension(contents, |kind, critical, value| {
            match kind {
                // authorityKeyIdentifier, issuingDistributionPoint and deltaCRLIndicator.
                [0x55, 0x1d, 0x23] => self.authority_key = Some(AuthorityKey::read(value)?),
                [0x55, 0x1d, 0x1c] => self.scope = Scope::read(value)?,
                [0x55, 0x1d, 0x1b] => self.is_delta = true,
                _ => self.is_unclear |= critical,
            }
            Ok(())
        })
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
            self.authority_key.as_ref().is_none_or(|key| authority.is_named_by(key))
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
        let mut reader = Reader::new(der::first(bytes, SEQUENCE)?);
        let name = reader
            .optional(constructed(0))?
            .map(|name| PointName::read(name.contents))
            .transpose()?;
        let flag = |reader: &mut Reader<'_>, number| match reader.optional(context(number))? {
            Some(flag) => der::boolean(flag.contents),
            None => Ok(false),
        };
        let only_users = flag(&mut reader, 1)?;
        let only_authorities = flag(&mut reader, 2)?;
        let some_reasons = reader.optional(context(3))?.is_some();
        let is_indirect = flag(&mut reader, 4)?;
        let only_attributes = flag(&mut reader, 5)?;
        reader.finish()?;
        let kinds = [only_users, only_authorities, only_attributes];
        let is_odd = some_reasons || is_indirect || kinds.iter().filter(|&&only| only).count() > 1;
        Ok(Scope { name, only_users, only_authorities, only_attributes, is_odd })
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
    let of_issuer = |list: &&List| list.issuer.canonical == certificate.issuer.canonical;
    for list in lists.iter().filter(of_issuer).filter(|list| !list.scope.is_odd) {
        let Some((signer, by_issuer)) = list.signer(chain, depth) else { continue };
        let score = Score {
            is_clear: !list.is_unclear,
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
    list.signed.check(&signer.key, algorithms).map_err(|refused| match refused {
        Refused::Wrong => Problem::ListForged,
        Refused::Unsupported => Problem::UnsupportedList,
    })?;
    // OpenSSL would take a list of changes for a whole one.
    if list.is_unclear || list.is_delta {
        return Err(Problem::UnsupportedList);
    }
    match list.revoked.contains(&certificate.serial) {
        true => Err(Problem::Revoked),
        false => Ok(()),
    }
}
