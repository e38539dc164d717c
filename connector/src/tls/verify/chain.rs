//! The chain from a server's certificate to a root, built and judged as OpenSSL does it for libpq.
//!
//! OpenSSL builds one chain, without a signature looked at, and judges that one alone: `build_chain`, `check_extensions`,
//! `check_auth_level`, `check_revocation`, `internal_verify` and `check_name_constraints` in its x509_vfy.c, with the
//! purpose "SSL server", trusted certificates first, no partial chains and without its strict mode. A verifier that tries
//! one issuer after the other until a chain holds would accept what libpq refuses. So the same choices are made here.

use rustls::crypto::WebPkiSupportedAlgorithms;

use super::certificate::Certificate;
use super::constraints::Violation;
use super::extensions::{KeyUsage, NetscapeType};
use super::problem::Problem;
use super::revocation::{self, List};
use super::signature::Refused;
use super::store::Store;

/// As many certificates may stand in a chain before no further issuer is looked for: OpenSSL's depth of 100, and one.
const LONGEST: usize = 101;

/// A problem and whose it is.
#[derive(Debug)]
pub(super) struct Objection<'a> {
    pub(super) problem: Problem,
    pub(super) certificate: &'a Certificate,
    /// Whether that is the trusted end of the chain, and not the server's own.
    pub(super) is_root: bool,
}

/// Who is trusted, when, and by what means that is found out.
pub(super) struct Judge<'a> {
    pub(super) store: &'a Store,
    /// None: revocation is not checked.
    pub(super) lists: Option<&'a [List]>,
    /// Seconds since 1970.
    pub(super) now: i64,
    pub(super) algorithms: &'a WebPkiSupportedAlgorithms,
}

impl Judge<'_> {
    /// Judges the server's certificate `leaf` by what came with it and by what is trusted.
    pub(super) fn judge<'a>(
        &'a self,
        leaf: &'a Certificate,
        sent: &'a [Certificate],
    ) -> Result<(), Objection<'a>> {
        let about = |certificate, problem| Objection { problem, certificate, is_root: false };
        if leaf.extensions.malformed {
            return Err(about(leaf, Problem::Malformed));
        }
        // `check_key_level`; what the key is good for shows in the handshake.
        if !leaf.key.is_strong(self.algorithms) {
            return Err(about(leaf, Problem::WeakKey));
        }
        let chain = self.build(leaf, sent).map_err(|last| about(last, Problem::UnknownIssuer))?;
        let at = |depth: usize| {
            let (certificate, is_root) = (chain[depth], depth > 0 && depth + 1 == chain.len());
            move |problem| Objection { problem, certificate, is_root }
        };
        let mut authorities_below = 0;
        for (depth, link) in chain.iter().enumerate() {
            check_extensions(link, depth, depth + 1 == chain.len(), authorities_below)
                .map_err(at(depth))?;
            authorities_below += u64::from(depth > 0 && !link.is_self_issued());
        }
        if let Some(lists) = self.lists {
            for depth in 0..chain.len() {
                revocation::check(lists, &chain, depth, self.now, self.algorithms).map_err(
                    |problem| match problem {
                        // Whose list it would be.
                        Problem::MayNotSignLists => at((depth + 1).min(chain.len() - 1))(problem),
                        problem => at(depth)(problem),
                    },
                )?;
            }
        }
        for (depth, link) in chain.iter().enumerate().rev() {
            if let Some(issuer) = chain.get(depth + 1) {
                if !issuer.may(KeyUsage::CERTIFICATE_SIGN) {
                    return Err(at(depth + 1)(Problem::NoAuthority));
                }
                link.signed.check(&issuer.key, self.algorithms).map_err(|refused| {
                    at(depth)(match refused {
                        Refused::Wrong => Problem::BadSignature,
                        Refused::Unsupported => Problem::UnsupportedSignature,
                    })
                })?;
            }
            self.check_dates(link).map_err(at(depth))?;
        }
        check_names(&chain).map_err(|(depth, violation)| at(depth)(Problem::Names(violation)))
    }

    /// The chain that OpenSSL would take, from the leaf to a self-signed certificate that is trusted; or the last
    /// certificate of the one that it could not complete (`build_chain`).
    fn build<'a>(
        &'a self,
        leaf: &'a Certificate,
        sent: &'a [Certificate],
    ) -> Result<Vec<&'a Certificate>, &'a Certificate> {
        let mut chain = vec![leaf];
        let mut unused: Vec<&Certificate> = sent.iter().collect();
        let mut is_trusted = false;
        while chain.len() <= LONGEST {
            let last = chain[chain.len() - 1];
            // Those that are trusted come first, and what follows one of them is trusted, too.
            match self.issuer(self.store.named(&last.issuer), last) {
                Some(known) if last.is_self_signed() => {
                    // It is one of ours only if it is that very one, and not merely one of its name.
                    if known.der != last.der {
                        return Err(last);
                    }
                    let at = chain.len() - 1;
                    chain[at] = known;
                    return Ok(chain);
                }
                Some(issuer) => {
                    is_trusted = true;
                    chain.push(issuer);
                    if issuer.is_self_signed() {
                        return Ok(chain);
                    }
                }
                None if is_trusted || last.is_self_signed() => return Err(last),
                None => {
                    let candidates = unused
                        .iter()
                        .copied()
                        .filter(|candidate| chain.iter().all(|link| link.der != candidate.der));
                    let issuer = self.issuer(candidates, last).ok_or(last)?;
                    unused.retain(|candidate| !std::ptr::eq(*candidate, issuer));
                    chain.push(issuer);
                }
            }
        }
        Err(chain[chain.len() - 1])
    }

    /// The first of the candidates that may have issued it and is valid; if none is, the one that expires last
    /// (`find_issuer`, `X509_STORE_CTX_get1_issuer`).
    fn issuer<'a>(
        &self,
        candidates: impl Iterator<Item = &'a Certificate>,
        of: &Certificate,
    ) -> Option<&'a Certificate> {
        let mut best: Option<&Certificate> = None;
        for candidate in candidates.filter(|candidate| of.is_issued_by(candidate)) {
            if candidate.is_valid_at(self.now) {
                return Some(candidate);
            }
            if best.is_none_or(|best| candidate.validity.1 > best.validity.1) {
                best = Some(candidate);
            }
        }
        best
    }

    fn check_dates(&self, link: &Certificate) -> Result<(), Problem> {
        if link.is_valid_at(self.now) {
            Ok(())
        } else if self.now < link.validity.0 {
            Err(Problem::NotValidYet)
        } else {
            Err(Problem::Expired)
        }
    }
}

/// What the extensions allow (`check_extensions`; RFC 5280, section 6.1.4).
fn check_extensions(
    link: &Certificate,
    depth: usize,
    is_last: bool,
    authorities_below: u64,
) -> Result<(), Problem> {
    let extensions = &link.extensions;
    if extensions.unsupported {
        return Err(Problem::UnknownExtension);
    }
    // An extended key usage binds authorities, too (`check_purpose_ssl_server`).
    if extensions.extended_key_usage.is_some_and(|usage| !usage.server) {
        return Err(Problem::NotForServers);
    }
    if depth == 0 {
        let by_netscape = extensions.netscape_type.is_none_or(NetscapeType::is_server);
        return match by_netscape && link.may(KeyUsage::TLS) {
            true => Ok(()),
            false => Err(Problem::NotForServers),
        };
    }
    if !is_authority(link, is_last) {
        return Err(Problem::NoAuthority);
    }
    let most = extensions.basic_constraints.and_then(|constraints| constraints.path_length);
    // Directly above the leaf there is none below.
    match most {
        Some(most) if depth > 1 && authorities_below > most => Err(Problem::TooManyBelow),
        _ => Ok(()),
    }
}

/// Whether it may sign certificates (`check_ca`): the basic constraints say so. A root without any (and nothing else) is
/// taken by its key usage, or Netscape's type, or because it is of version 1.
fn is_authority(link: &Certificate, is_root: bool) -> bool {
    let extensions = &link.extensions;
    if !link.may(KeyUsage::CERTIFICATE_SIGN) {
        return false;
    }
    match extensions.basic_constraints {
        Some(constraints) => constraints.authority,
        None => {
            is_root
                && ((link.is_version_1 && link.is_self_signed())
                    || extensions.key_usage.is_some()
                    || extensions.netscape_type.is_some_and(NetscapeType::is_tls_authority))
        }
    }
}

/// Every certificate's names against the constraints of all above it; those that are their own issuer by name are
/// passed over, but for the leaf (`check_name_constraints`; RFC 5280, section 6.1.3).
fn check_names(chain: &[&Certificate]) -> Result<(), (usize, Violation)> {
    for (depth, link) in chain.iter().enumerate().rev() {
        if depth > 0 && link.is_self_issued() {
            continue;
        }
        let alternative = link.extensions.alternative_names.as_deref().unwrap_or_default();
        for above in &chain[depth + 1..] {
            if let Some(constraints) = &above.extensions.constraints {
                constraints
                    .allow(&link.subject, alternative, depth == 0)
                    .map_err(|violation| (depth, violation))?;
            }
        }
    }
    Ok(())
}
