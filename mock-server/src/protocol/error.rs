//! Bytes that are no message.

/// Bytes that are no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// A length field that no such message can have.
    #[error("{message}: wanted a length of {wanted}, got {got}")]
    Length {
        /// The message.
        message: &'static str,
        /// The lengths there may be, in bytes.
        wanted: &'static str,
        /// The length field, in bytes.
        got: i64,
    },
    /// A body that does not hold what it should.
    #[error("{message}: wanted {wanted}")]
    Body {
        /// The message.
        message: &'static str,
        /// What was missing or malformed.
        wanted: &'static str,
    },
    /// A first packet that asks for something unknown: major version 1234, and no known minor.
    #[error("first packet: wanted a version or a request code, got {0}")]
    RequestCode(u32),
}
