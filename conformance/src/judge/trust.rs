//! Whether a certificate deserves trust: the ground truth that the safety invariants rest on,
//! apart from what libpq makes of it.

use crate::{
    axes::{Axes, Certificate, Sslrootcert},
    names,
};

/// Whether the certificate chains, in its validity and for its usage, to what the client was told
/// to trust.
pub(super) fn chain_deserves_trust(axes: &Axes) -> bool {
    let certificate = axes.server.certificate;
    let in_force = match certificate {
        Certificate::Expired | Certificate::NotYetValid | Certificate::ClientAuthOnly => false,
        // The list that `sslcrl` names belongs to the root file; a system store comes with its own
        // or none, and a client that does not mix them has checked all that it was told to trust.
        Certificate::Revoked => axes.sslrootcert == Sslrootcert::System,
        _ => true,
    };
    let reaches = match axes.sslrootcert {
        Sslrootcert::Right | Sslrootcert::System => !matches!(
            certificate,
            Certificate::SelfSigned | Certificate::UnknownCa | Certificate::MissingIntermediate
        ),
        // A client that trusts exactly the certificate it was told to is not fooled, even where
        // libpq wants it self-signed.
        Sslrootcert::Server => true,
        Sslrootcert::None
        | Sslrootcert::Wrong
        | Sslrootcert::Missing
        | Sslrootcert::SystemEmpty => false,
    };
    in_force && reaches
}

/// Whether a name in the certificate is the host's.
pub(super) fn name_deserves_trust(axes: &Axes) -> bool {
    names::matches(&axes.server.certificate.names(), axes.host.name())
}
