//! Errors and notices of an honest server.

use super::text::cut;

/// How bad an error is, or how important a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    Error,
    Fatal,
    Warning,
}

/// The longest message of a report, in bytes: many quote the client, whose texts may be long.
const MAX_WORDS: usize = 1000;

/// The content of ErrorResponse and NoticeResponse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    /// How bad it is.
    pub(crate) severity: Severity,
    /// The SQLSTATE: five characters.
    pub(crate) code: &'static str,
    /// What happened.
    pub(crate) message: String,
    /// More on it.
    pub(crate) detail: Option<String>,
}

impl Report {
    /// An error after which the session goes on.
    #[must_use]
    pub(crate) fn error(code: &'static str, message: impl Into<String>) -> Self {
        let mut message = until_nul(message.into());
        if cut(&mut message, MAX_WORDS) {
            message.push('…');
        }
        Self { severity: Severity::Error, code, message, detail: None }
    }

    /// An error that ends the session.
    #[must_use]
    pub(crate) fn fatal(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Fatal, ..Self::error(code, message) }
    }

    /// The same, and it ends the session.
    #[must_use]
    pub(crate) fn made_fatal(self) -> Self {
        Self { severity: Severity::Fatal, ..self }
    }

    /// The same with a detail.
    #[must_use]
    pub(crate) fn with_detail(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(until_nul(detail.into())), ..self }
    }

    /// Its fields with their codes.
    pub(super) fn fields(&self) -> impl Iterator<Item = (u8, &[u8])> {
        let severity = self.severity.name();
        let present = [
            (b'S', Some(severity)),
            (b'V', Some(severity)),
            (b'C', Some(self.code)),
            (b'M', Some(self.message.as_str())),
            (b'D', self.detail.as_deref()),
        ];
        present.into_iter().filter_map(|(code, text)| Some((code, text?.as_bytes())))
    }
}

/// The field's format has no way to carry a NUL, which a client's text may hold.
fn until_nul(mut text: String) -> String {
    text.truncate(text.find('\0').unwrap_or(text.len()));
    text
}

impl Severity {
    const fn name(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
            Self::Warning => "WARNING",
        }
    }
}
