//! What stands in each certificate: names, dates, usages, issuer.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer,
    DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyUsagePurpose,
    RevokedCertParams, SanType, SerialNumber,
};
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};
use time::{Duration, OffsetDateTime};

use super::{client::CLIENT_USER, error::Error, key::KeyPair};
use crate::axes::{Certificate, Key};

/// An authority's certificate with its key.
pub(super) type Issuer = CertifiedIssuer<'static, KeyPair>;

/// The authorities there are, one of each for every key type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Role {
    /// Issues the server's certificates and the right client certificates.
    Root,
    /// Issues nothing but the wrong client certificates.
    WrongRoot,
    /// Issues `unknown-ca`; no client is told of it.
    UnknownRoot,
    /// Issued by the root.
    Intermediate,
}

impl Role {
    const fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::WrongRoot => "wrong root",
            Self::UnknownRoot => "unknown root",
            Self::Intermediate => "intermediate",
        }
    }

    /// Where the chain ends that this authority stands in.
    pub(super) const fn root(self) -> Self {
        match self {
            Self::Intermediate => Self::Root,
            Self::Root | Self::WrongRoot | Self::UnknownRoot => self,
        }
    }

    /// Who issues a server's certificate; `None` for one that signs itself.
    pub(super) const fn of(certificate: Certificate) -> Option<Self> {
        match certificate {
            Certificate::SelfSigned => None,
            Certificate::UnknownCa => Some(Self::UnknownRoot),
            Certificate::MissingIntermediate | Certificate::WithIntermediate => {
                Some(Self::Intermediate)
            }
            Certificate::Valid
            | Certificate::WrongHost
            | Certificate::Expired
            | Certificate::NotYetValid
            | Certificate::CnOnly
            | Certificate::NoNames
            | Certificate::SanOverridesCn
            | Certificate::Wildcard
            | Certificate::LocalhostOnly
            | Certificate::ClientAuthOnly
            | Certificate::Revoked => Some(Self::Root),
        }
    }
}

/// Days before and after now between which something is valid.
#[derive(Debug, Clone, Copy)]
struct Validity(i64, i64);

impl Validity {
    /// Longer than any leaf's, the expired one's included.
    const AUTHORITY: Self = Self(-60, 3650);
    const GOOD: Self = Self(-1, 365);
    const ENDED: Self = Self(-30, -1);
    const TO_COME: Self = Self(30, 365);

    const fn of(certificate: Certificate) -> Self {
        match certificate {
            Certificate::Expired => Self::ENDED,
            Certificate::NotYetValid => Self::TO_COME,
            Certificate::Valid
            | Certificate::WrongHost
            | Certificate::SelfSigned
            | Certificate::UnknownCa
            | Certificate::CnOnly
            | Certificate::NoNames
            | Certificate::SanOverridesCn
            | Certificate::Wildcard
            | Certificate::LocalhostOnly
            | Certificate::ClientAuthOnly
            | Certificate::MissingIntermediate
            | Certificate::WithIntermediate
            | Certificate::Revoked => Self::GOOD,
        }
    }

    fn around(self, now: OffsetDateTime) -> (OffsetDateTime, OffsetDateTime) {
        (now + Duration::days(self.0), now + Duration::days(self.1))
    }
}

/// A new authority with its key; an intermediate one needs its root.
pub(super) fn issuer(
    role: Role,
    key: Key,
    pair: KeyPair,
    root: Option<&Issuer>,
    now: OffsetDateTime,
) -> Result<Issuer, Error> {
    let constraint = match root {
        Some(_) => BasicConstraints::Constrained(0),
        None => BasicConstraints::Unconstrained,
    };
    let mut params = params(Validity::AUTHORITY, now)?;
    params.distinguished_name.push(DnType::CommonName, format!("pgtls {} {key}", role.name()));
    params.is_ca = IsCa::Ca(constraint);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    match root {
        Some(root) => Issuer::signed_by(params, pair, root),
        None => Issuer::self_signed(params, pair),
    }
    .map_err(Error::making(format!("the {} of {key}", role.name())))
}

/// A server's certificate and its serial number; without an issuer it signs itself.
pub(super) fn server(
    certificate: Certificate,
    pair: &KeyPair,
    issuer: Option<&Issuer>,
    now: OffsetDateTime,
) -> Result<(CertificateDer<'static>, SerialNumber), Error> {
    let failed = || Error::making(format!("the certificate `{certificate}`"));
    let names = certificate.names();
    let serial = serial()?;
    let mut params = params(Validity::of(certificate), now)?;
    params.serial_number = Some(serial.clone());
    match names.common_name {
        Some(name) => params.distinguished_name.push(DnType::CommonName, name),
        None => {
            params.distinguished_name.push(DnType::OrganizationalUnitName, certificate.name());
        }
    }
    for &name in names.dns {
        params
            .subject_alt_names
            .push(SanType::DnsName(name.try_into().map_err(|source| failed()(source))?));
    }
    params.subject_alt_names.extend(names.ips.iter().copied().map(SanType::IpAddress));

    let made = match issuer {
        // As `openssl req -x509` makes it: an authority with no usages named.
        None => {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.self_signed(pair)
        }
        Some(issuer) => {
            params.is_ca = IsCa::ExplicitNoCa;
            params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
            params.extended_key_usages = vec![match certificate {
                Certificate::ClientAuthOnly => ExtendedKeyUsagePurpose::ClientAuth,
                _ => ExtendedKeyUsagePurpose::ServerAuth,
            }];
            params.signed_by(pair, issuer)
        }
    };
    let certificate = made.map_err(failed())?;
    Ok((certificate.into(), serial))
}

/// A client's certificate for [`CLIENT_USER`].
pub(super) fn client(
    pair: &KeyPair,
    issuer: &Issuer,
    now: OffsetDateTime,
) -> Result<CertificateDer<'static>, Error> {
    let mut params = params(Validity::GOOD, now)?;
    params.distinguished_name.push(DnType::CommonName, CLIENT_USER);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
        .signed_by(pair, issuer)
        .map(CertificateDer::from)
        .map_err(Error::making("a client certificate".to_owned()))
}

/// The issuer's revocation list with one serial number on it.
pub(super) fn revocation_list(
    serial: &SerialNumber,
    issuer: &Issuer,
    now: OffsetDateTime,
) -> Result<CertificateRevocationListDer<'static>, Error> {
    let (this_update, next_update) = Validity::GOOD.around(now);
    CertificateRevocationListParams {
        this_update,
        next_update,
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: vec![RevokedCertParams {
            serial_number: serial.clone(),
            revocation_time: this_update,
            reason_code: None,
            invalidity_date: None,
        }],
        key_identifier_method: KeyIdMethod::Sha256,
    }
    .signed_by(issuer)
    .map(CertificateRevocationListDer::from)
    .map_err(Error::making("a revocation list".to_owned()))
}

fn params(validity: Validity, now: OffsetDateTime) -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::default();
    (params.not_before, params.not_after) = validity.around(now);
    params.serial_number = Some(serial()?);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "pgtls");
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// Random, positive, and of 16 bytes without a leading zero (RFC 5280 allows 20).
fn serial() -> Result<SerialNumber, Error> {
    let mut bytes = [0; 16];
    openssl::rand::rand_bytes(&mut bytes).map_err(Error::random)?;
    bytes[0] = bytes[0] & 0x3f | 0x40;
    Ok(SerialNumber::from_slice(&bytes))
}
