//! What goes wrong when a text or a file is read.

use pgtls_mock_server::axes::UnknownValue;

/// A text that names no settings, cell or filter, or a file that does not hold what was wanted.
///
/// ```
/// let error = "a:sslmode=nonsense".parse::<pgtls_conformance::Cell>().expect_err("no mode");
/// assert!(error.is_term());
/// assert!(error.to_string().starts_with("`nonsense` is no value of sslmode; one of: prefer"));
/// ```
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(#[from] Kind);

/// Its causes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Kind {
    #[error("wanted STACK:axis=value,…, got `{0}`")]
    NoStack(String),
    #[error("wanted axis=value, got `{0}`")]
    NoTerm(String),
    #[error("`{given}` is no axis; one of: {known}")]
    UnknownAxis { given: String, known: String },
    #[error("{0} is given twice")]
    AxisTwice(&'static str),
    #[error(transparent)]
    UnknownValue(#[from] UnknownValue),
    #[error("wanted {what} of schema {wanted}, got {got}")]
    Schema { what: &'static str, wanted: u32, got: String },
    #[error("{0} stands twice")]
    StandsTwice(String),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl Error {
    /// Whether a term `axis=value` is wrong: none at all, of an axis or a value that there is not, or
    /// of an axis that was given before.
    #[must_use]
    pub const fn is_term(&self) -> bool {
        matches!(
            self.0,
            Kind::NoTerm(_) | Kind::UnknownAxis { .. } | Kind::AxisTwice(_) | Kind::UnknownValue(_)
        )
    }

    /// Whether a file says of itself that it is of another schema, or does not say.
    #[must_use]
    pub const fn is_other_schema(&self) -> bool {
        matches!(self.0, Kind::Schema { .. })
    }

    /// Whether a file is no JSON, or not of the shape that was wanted.
    #[must_use]
    pub fn is_malformed(&self) -> bool {
        matches!(self.0, Kind::Json(_))
    }

    /// Whether a file holds something twice that it may hold once.
    #[must_use]
    pub const fn is_repeated(&self) -> bool {
        matches!(self.0, Kind::StandsTwice(_))
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Kind::from(error).into()
    }
}

impl From<UnknownValue> for Error {
    fn from(error: UnknownValue) -> Self {
        Kind::from(error).into()
    }
}
