//! The extensions of a certificate (RFC 5280, section 4.2), read as OpenSSL reads them.

use super::constraints::Constraints;
use super::der::{
    self, BIT_STRING, BOOLEAN, INTEGER, Malformed, OBJECT_IDENTIFIER, OCTET_STRING, Reader, Result,
    SEQUENCE, constructed, context,
};
use super::names::{GeneralName, Name};

/// The extensions that decide, RFC 5280, section 4.2.1.
#[derive(Debug, Clone, Default)]
pub(super) struct Extensions {
    pub(super) basic_constraints: Option<BasicConstraints>,
    pub(super) key_usage: Option<KeyUsage>,
    pub(super) extended_key_usage: Option<ExtendedKeyUsage>,
    pub(super) netscape_type: Option<NetscapeType>,
    pub(super) subject_key: Option<Vec<u8>>,
    pub(super) authority_key: Option<AuthorityKey>,
    pub(super) alternative_names: Option<Vec<GeneralName>>,
    pub(super) constraints: Option<Constraints>,
    pub(super) distribution_points: Vec<DistributionPoint>,
    /// One of these is malformed, or stands there twice (`EXFLAG_INVALID`).
    pub(super) malformed: bool,
    /// It stands for somebody's own certificate, as no authority and no server does.
    is_proxy: bool,
    /// A critical extension that OpenSSL does not support (`X509_supported_extension`), or one of those that change
    /// what a certificate is (a proxy's, RFC 3820; addresses and numbers of networks, RFC 3779), which it does.
    pub(super) unsupported: bool,
}

/// Section 4.2.1.9.
#[derive(Debug, Clone, Copy)]
pub(super) struct BasicConstraints {
    pub(super) authority: bool,
    pub(super) path_length: Option<u64>,
}

/// Section 4.2.1.3: the bits, the first one highest.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyUsage(u16);

impl KeyUsage {
    pub(super) const DIGITAL_SIGNATURE: u16 = 0x8000;
    const KEY_ENCIPHERMENT: u16 = 0x2000;
    const KEY_AGREEMENT: u16 = 0x0800;
    pub(super) const CERTIFICATE_SIGN: u16 = 0x0400;
    pub(super) const LIST_SIGN: u16 = 0x0200;
    /// What TLS makes use of.
    pub(super) const TLS: u16 =
        KeyUsage::DIGITAL_SIGNATURE | KeyUsage::KEY_ENCIPHERMENT | KeyUsage::KEY_AGREEMENT;
}

/// Section 4.2.1.12: whether it is for servers.
#[derive(Debug, Clone, Copy)]
pub(super) struct ExtendedKeyUsage {
    pub(super) server: bool,
}

/// Netscape's certificate type, which OpenSSL still obeys: the bits, the first one highest.
#[derive(Debug, Clone, Copy)]
pub(super) struct NetscapeType(u16);

impl KeyUsage {
    /// Whether one of these bits is set.
    pub(super) fn allows(self, usage: u16) -> bool {
        self.0 & usage != 0
    }
}

impl NetscapeType {
    pub(super) fn is_server(self) -> bool {
        self.0 & 0x4000 != 0
    }

    pub(super) fn is_tls_authority(self) -> bool {
        self.0 & 0x0400 != 0
    }
}

/// Section 4.2.1.1.
#[derive(Debug, Clone, Default)]
pub(super) struct AuthorityKey {
    pub(super) identifier: Option<Vec<u8>>,
    pub(super) issuer: Option<Name>,
    pub(super) serial: Option<Vec<u8>>,
}

/// Section 4.2.1.13.
#[derive(Debug, Clone)]
pub(super) struct DistributionPoint {
    pub(super) name: Option<PointName>,
    pub(super) list_issuers: Option<Vec<GeneralName>>,
    /// Whether lists from there tell of every reason.
    pub(super) every_reason: bool,
}

/// Where a list is to be had.
#[derive(Debug, Clone)]
pub(super) enum PointName {
    Full(Vec<GeneralName>),
    /// nameRelativeToCRLIssuer, which nobody uses: it matches nothing here.
    Relative,
}

impl AuthorityKey {
    pub(super) fn read(bytes: &[u8]) -> Result<AuthorityKey> {
        let mut reader = Reader::new(der::first(bytes, SEQUENCE)?);
        let identifier = reader.optional(context(0))?.map(|value| value.contents.to_vec());
        let issuers = reader
            .optional(constructed(1))?
            .map(|value| GeneralName::read_all(value.contents))
            .transpose()?;
        let serial =
            reader.optional(context(2))?.map(|value| der::serial(value.contents)).transpose()?;
        reader.finish()?;
        let issuer = issuers.into_iter().flatten().find_map(|name| match name {
            GeneralName::Directory(name) => Some(name),
            _ => None,
        });
        Ok(AuthorityKey { identifier, issuer, serial })
    }
}

mod oid {
    //! Extensions by the contents of their object identifiers.
    pub(super) const SUBJECT_KEY: &[u8] = &[0x55, 0x1d, 0x0e];
    pub(super) const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
    pub(super) const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];
    pub(super) const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
    pub(super) const NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x1e];
    pub(super) const DISTRIBUTION_POINTS: &[u8] = &[0x55, 0x1d, 0x1f];
    pub(super) const AUTHORITY_KEY: &[u8] = &[0x55, 0x1d, 0x23];
    pub(super) const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
    pub(super) const NETSCAPE_TYPE: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x86, 0xf8, 0x42, 0x01, 0x01];
    /// Policies, their mappings and constraints, and inhibitAnyPolicy: libpq asks for none, so that OpenSSL lets
    /// every policy pass. And OCSP's noCheck.
    pub(super) const PASSING: [&[u8]; 5] = [
        &[0x55, 0x1d, 0x20],
        &[0x55, 0x1d, 0x21],
        &[0x55, 0x1d, 0x24],
        &[0x55, 0x1d, 0x36],
        &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x05],
    ];
    /// proxyCertInfo, RFC 3820.
    pub(super) const PROXY: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x0e];
    /// The addresses and numbers of RFC 3779.
    pub(super) const UNUSUAL: [&[u8]; 2] = [
        &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x07],
        &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x08],
    ];
    /// id-kp-serverAuth, and the "server gated cryptography" of Microsoft and of Netscape, which OpenSSL still takes
    /// for it.
    pub(super) const FOR_SERVERS: [&[u8]; 3] = [
        &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01],
        &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x0a, 0x03, 0x03],
        &[0x60, 0x86, 0x48, 0x01, 0x86, 0xf8, 0x42, 0x04, 0x01],
    ];
}

impl Extensions {
    /// Reads the contents of an Extensions.
    pub(super) fn read(contents: &[u8]) -> Result<Extensions> {
        let mut found = Extensions::default();
        let mut seen: Vec<Vec<u8>> = Vec::new();
        der::for_each_extension(contents, |kind, critical, value| {
            match found.read_one(kind, critical, value) {
                Ok(true) => {
                    found.malformed |= seen.iter().any(|known| known == kind);
                    seen.push(kind.to_vec());
                }
                Ok(false) => {}
                Err(Malformed) => found.malformed = true,
            }
            Ok(())
        })?;
        found.malformed |= found.is_proxy
            && (found.alternative_names.is_some()
                || found.basic_constraints.is_some_and(|constraints| constraints.authority));
        Ok(found)
    }

    /// Reads one of them, and says whether it is one that may stand there only once.
    fn read_one(&mut self, kind: &[u8], critical: bool, value: &[u8]) -> Result<bool> {
        match kind {
            oid::BASIC_CONSTRAINTS => self.basic_constraints = Some(BasicConstraints::read(value)?),
            oid::KEY_USAGE => match der::flags(der::first(value, BIT_STRING)?)? {
                // One that allows nothing is invalid.
                0 => return Err(Malformed),
                bits => self.key_usage = Some(KeyUsage(bits)),
            },
            oid::EXTENDED_KEY_USAGE => {
                let purposes =
                    der::each(der::first(value, SEQUENCE)?, |purpose| match purpose.tag {
                        OBJECT_IDENTIFIER => Ok(purpose.contents),
                        _ => Err(Malformed),
                    })?;
                let server = purposes.iter().any(|purpose| oid::FOR_SERVERS.contains(purpose));
                self.extended_key_usage = Some(ExtendedKeyUsage { server });
            }
            oid::NETSCAPE_TYPE => {
                self.netscape_type =
                    Some(NetscapeType(der::flags(der::first(value, BIT_STRING)?)?));
            }
            oid::SUBJECT_KEY => {
                self.subject_key = Some(der::first(value, OCTET_STRING)?.to_vec());
                self.unsupported |= critical;
            }
            oid::AUTHORITY_KEY => {
                self.authority_key = Some(AuthorityKey::read(value)?);
                self.unsupported |= critical;
            }
            oid::ALTERNATIVE_NAMES => {
                let names = GeneralName::read_all(der::first(value, SEQUENCE)?)?;
                self.alternative_names = Some(names);
            }
            oid::NAME_CONSTRAINTS => self.constraints = Some(Constraints::read(value)?),
            oid::DISTRIBUTION_POINTS => {
                self.distribution_points =
                    der::each(der::first(value, SEQUENCE)?, |point| match point.tag {
                        SEQUENCE => DistributionPoint::read(point.contents),
                        _ => Err(Malformed),
                    })?;
            }
            oid::PROXY => {
                self.is_proxy = true;
                self.unsupported = true;
            }
            kind if oid::UNUSUAL.contains(&kind) => self.unsupported = true,
            kind => {
                self.unsupported |= critical && !oid::PASSING.contains(&kind);
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl BasicConstraints {
    fn read(value: &[u8]) -> Result<BasicConstraints> {
        let mut reader = Reader::new(der::first(value, SEQUENCE)?);
        let authority = match reader.optional(BOOLEAN)? {
            Some(authority) => der::boolean(authority.contents)?,
            None => false,
        };
        let path_length =
            reader.optional(INTEGER)?.map(|length| der::unsigned(length.contents)).transpose()?;
        reader.finish()?;
        Ok(BasicConstraints { authority, path_length })
    }
}

impl DistributionPoint {
    fn read(contents: &[u8]) -> Result<DistributionPoint> {
        /// unused, keyCompromise … aACompromise.
        const EVERY_REASON: u16 = 0xff80;
        let mut reader = Reader::new(contents);
        let name = match reader.optional(constructed(0))? {
            Some(name) => Some(PointName::read(name.contents)?),
            None => None,
        };
        let reasons =
            reader.optional(context(1))?.map(|bits| der::flags(bits.contents)).transpose()?;
        let list_issuers = reader
            .optional(constructed(2))?
            .map(|value| GeneralName::read_all(value.contents))
            .transpose()?;
        reader.finish()?;
        // It must say something (`setup_dp`).
        if name.is_none() && list_issuers.as_ref().is_none_or(Vec::is_empty) {
            return Err(Malformed);
        }
        let every_reason = reasons.is_none_or(|bits| bits & EVERY_REASON == EVERY_REASON);
        Ok(DistributionPoint { name, list_issuers, every_reason })
    }
}

impl PointName {
    /// Reads a DistributionPointName.
    pub(super) fn read(bytes: &[u8]) -> Result<PointName> {
        let mut reader = Reader::new(bytes);
        let value = reader.value()?;
        reader.finish()?;
        match value.tag {
            0xa0 => GeneralName::read_all(value.contents).map(PointName::Full),
            0xa1 => Name::default().push(value.contents).map(|()| PointName::Relative),
            _ => Err(Malformed),
        }
    }
}
