//! The columns of a SELECT's answer.

use super::types::Type;

/// A column of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SelectColumn {
    pub(super) name: String,
    pub(super) of_type: Type,
}
