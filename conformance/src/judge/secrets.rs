//! What makes a cell's client and server known to one another.

/// What only this cell's client and server know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secrets {
    /// The user that logs in.
    pub user: String,
    /// The canary password.
    pub password: String,
    /// A text that stands in every ErrorResponse sent unencrypted.
    pub clear_text: String,
    /// The number that the query asks for.
    pub number: i32,
}
