//! Reasons for which a chain does not hold.

use super::constraints::Violation;

/// What is wrong with a chain, or with one certificate of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Problem {
    #[error("has no issuer among those that are trusted")]
    UnknownIssuer,
    #[error("cannot be read")]
    Malformed,
    #[error("has expired")]
    Expired,
    #[error("is not valid yet")]
    NotValidYet,
    #[error("has a critical extension that is not known")]
    UnknownExtension,
    #[error("may not sign certificates")]
    NoAuthority,
    #[error("is not for servers")]
    NotForServers,
    #[error("has more authorities below it than it allows")]
    TooManyBelow,
    #[error("has a key of a kind or length that is not taken")]
    WeakKey,
    #[error("has a signature that is not its issuer's")]
    BadSignature,
    #[error("has a signature, or an issuer with a key, of a kind that is not taken")]
    UnsupportedSignature,
    #[error("has names that do not hold: {0}")]
    Names(Violation),
    #[error("is named by no revocation list that would have it")]
    NoList,
    #[error("may not sign revocation lists")]
    MayNotSignLists,
    #[error("is to be found in a revocation list that is not valid yet")]
    ListNotValidYet,
    #[error("is to be found in a revocation list that has expired")]
    ListExpired,
    #[error("is to be found in a revocation list with a signature that is not its issuer's")]
    ListForged,
    #[error("is to be found in a revocation list with a signature of a kind that is not taken")]
    UnsupportedList,
    #[error("is revoked")]
    Revoked,
}
