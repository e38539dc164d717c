//! The axes of TLS: which certificate, with which keys, in which versions.

use std::net::{IpAddr, Ipv4Addr};

use crate::axis;

axis! {
    /// The certificate that the server shows.
    "certificate" Certificate {
        /// Everything right: SAN `DNS:localhost, IP:127.0.0.1`.
        Valid = "valid",
        /// SAN `DNS:wrong.example`.
        WrongHost = "wrong-host",
        /// Signed by itself, CA:TRUE, as `openssl req -x509` makes it.
        SelfSigned = "self-signed",
        /// Its validity has ended.
        Expired = "expired",
        /// Its validity has not begun.
        NotYetValid = "not-yet-valid",
        /// Issued by an authority that no client is told of.
        UnknownCa = "unknown-ca",
        /// CN `localhost`, no SAN.
        CnOnly = "cn-only",
        /// Neither CN nor SAN.
        NoNames = "no-names",
        /// CN `localhost`, SAN `DNS:wrong.example`.
        SanOverridesCn = "san-overrides-cn",
        /// SAN `DNS:*.wild.example`.
        Wildcard = "wildcard",
        /// SAN `DNS:localhost`, no address.
        LocalhostOnly = "localhost-only",
        /// Extended key usage clientAuth alone.
        ClientAuthOnly = "client-auth-only",
        /// Issued by an intermediate that the server does not send.
        MissingIntermediate = "missing-intermediate",
        /// Issued by an intermediate that the server sends.
        WithIntermediate = "with-intermediate",
        /// On its authority's revocation list; the client is given `sslcrl`.
        Revoked = "revoked",
    }
}

/// The names that stand in a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Names {
    /// The subject's common name.
    pub common_name: Option<&'static str>,
    /// SANs of type dNSName.
    pub dns: &'static [&'static str],
    /// SANs of type iPAddress.
    pub ips: &'static [IpAddr],
}

impl Certificate {
    /// The names in the certificate.
    #[must_use]
    pub const fn names(self) -> Names {
        const LOOPBACK: &[IpAddr] = &[IpAddr::V4(Ipv4Addr::LOCALHOST)];
        const fn san(dns: &'static [&'static str], ips: &'static [IpAddr]) -> Names {
            Names { common_name: None, dns, ips }
        }
        match self {
            Self::Valid
            | Self::Expired
            | Self::NotYetValid
            | Self::UnknownCa
            | Self::SelfSigned
            | Self::Revoked => san(&["localhost"], LOOPBACK),
            Self::LocalhostOnly
            | Self::ClientAuthOnly
            | Self::MissingIntermediate
            | Self::WithIntermediate => san(&["localhost"], &[]),
            Self::WrongHost => san(&["wrong.example"], &[]),
            Self::Wildcard => san(&["*.wild.example"], &[]),
            Self::CnOnly => Names { common_name: Some("localhost"), dns: &[], ips: &[] },
            Self::NoNames => san(&[], &[]),
            Self::SanOverridesCn => {
                Names { common_name: Some("localhost"), dns: &["wrong.example"], ips: &[] }
            }
        }
    }
}

axis! {
    /// The keys of the whole chain, and so its signatures.
    "key" Key {
        /// ECDSA on P-256 with SHA-256.
        P256 = "p256",
        /// RSA of 2048 bits with SHA-256.
        Rsa2048 = "rsa2048",
        /// Ed25519, whose signatures name no hash.
        Ed25519 = "ed25519",
    }
}

axis! {
    /// The TLS versions that the server speaks.
    "tls" TlsVersions {
        /// TLS 1.2 and 1.3.
        Tls12To13 = "1.2-1.3",
        /// TLS 1.2 alone.
        Tls12 = "1.2",
        /// TLS 1.3 alone.
        Tls13 = "1.3",
        /// TLS 1.0 and 1.1: nothing that a client of today should speak.
        Tls10To11 = "1.0-1.1",
    }
}
