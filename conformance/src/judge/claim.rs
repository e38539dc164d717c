//! What a client says of itself.

/// What the client said of its call, or that it said nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Claim {
    /// Connected, with these rows.
    Connected {
        /// The rows of the query, each a list of columns.
        rows: Vec<Vec<String>>,
        /// Whether it says the connection is encrypted, if it says.
        tls: Option<bool>,
    },
    /// Failed, with every text that the application sees.
    Failed(String),
    /// Unsupported and no connection made, with this reason; but there was one.
    Unsupported(String),
    /// Nothing by the deadline.
    Hang,
    /// It died, or what it said was not the contract's.
    Crash,
}

impl Claim {
    /// The texts that reach the application.
    pub(super) fn texts(&self) -> Vec<&str> {
        match self {
            Self::Failed(text) | Self::Unsupported(text) => vec![text],
            Self::Connected { rows, .. } => rows.iter().flatten().map(String::as_str).collect(),
            Self::Hang | Self::Crash => Vec::new(),
        }
    }
}
