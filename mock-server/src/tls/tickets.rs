//! Which session tickets follow a handshake.

/// The session tickets that follow a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tickets {
    /// None, and no session is resumed.
    None,
    /// As many as the library sends.
    Usual,
    /// So many.
    Count(u8),
}
