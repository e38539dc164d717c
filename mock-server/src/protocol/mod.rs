//! The wire format of PostgreSQL's protocol 3, from the server's side.

pub(crate) mod backend;
pub mod body;
pub(crate) mod frontend;
pub(crate) mod message;
pub(crate) mod names;
pub(crate) mod pg_type;
mod reader;
pub(crate) mod startup;
#[cfg(test)]
mod tests;
mod texts;
pub mod value;

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

/// Cuts a text to at most so many bytes, between two characters; whether it was longer.
pub(crate) fn cut(text: &mut String, most: usize) -> bool {
    if text.len() <= most {
        return false;
    }
    let end = (0..=most).rev().find(|&end| text.is_char_boundary(end)).unwrap_or_default();
    text.truncate(end);
    text.shrink_to_fit();
    true
}

/// A text's beginning, on one line.
pub(crate) fn excerpt(text: &str) -> String {
    const LONGEST: usize = 200;
    let mut line: String =
        text.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(LONGEST).is_some() {
        line.push('…');
    }
    line
}
