//! The server axes: the settings that say how the mock server behaves.

use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

pub use crate::script::named::{Access, Auth, Reply};

/// A text that names no value of an axis.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is no value of {axis}; one of: {known}")]
pub struct UnknownValue {
    /// The axis, as the command line spells it.
    pub axis: &'static str,
    /// What was given.
    pub given: String,
    /// The values there are, separated by commas.
    pub known: String,
}

/// Defines the values of one axis: an enum whose first value is the default, with
/// `AXIS`, `ALL`, `name`, `Display` and `FromStr`.
#[macro_export]
macro_rules! axis {
    (
        $(#[$meta:meta])*
        $axis:literal $type:ident {
            $(#[$first_meta:meta])* $first:ident = $first_name:literal,
            $( $(#[$value_meta:meta])* $value:ident = $name:literal, )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize)]
        #[non_exhaustive]
        pub enum $type {
            $(#[$first_meta])*
            #[default]
            #[serde(rename = $first_name)]
            $first,
            $( $(#[$value_meta])* #[serde(rename = $name)] $value, )*
        }

        impl $type {
            /// The axis, as the command line and the results spell it.
            pub const AXIS: &'static str = $axis;
            /// Every value, the default first.
            pub const ALL: &'static [Self] = &[Self::$first, $(Self::$value),*];

            /// The value, as the command line and the results spell it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    Self::$first => $first_name,
                    $(Self::$value => $name,)*
                }
            }
        }

        impl ::std::fmt::Display for $type {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl ::std::str::FromStr for $type {
            type Err = $crate::axes::UnknownValue;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|value| value.name() == text).ok_or_else(|| {
                    $crate::axes::UnknownValue {
                        axis: Self::AXIS,
                        given: text.to_owned(),
                        known: Self::ALL.iter().map(|value| value.name()).collect::<Vec<_>>().join(", "),
                    }
                })
            }
        }
    };
}

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

/// A value for every server axis.
///
/// ```
/// use pgtls_mock_server::axes::{Reply, ServerAxes};
///
/// let axes = ServerAxes { reply: Reply::Refuse, ..ServerAxes::default() };
/// assert_eq!(axes.certificate.name(), "valid");
/// ```
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ServerAxes {
    /// The answer to an SSLRequest.
    pub reply: Reply,
    /// The certificate shown.
    pub certificate: Certificate,
    /// The keys of the chain.
    pub key: Key,
    /// The pg_hba rule.
    pub access: Access,
    /// The proof asked for.
    pub auth: Auth,
    /// The TLS versions spoken.
    pub tls: TlsVersions,
}
