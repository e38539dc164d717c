//! What can be wrong with a script.

/// A text that is no script: where, and what is wrong there. One line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{what}", place(path))]
pub struct ScriptError {
    path: String,
    what: String,
}

impl ScriptError {
    pub(super) fn new(path: &str, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), what: what.into().replace(['\n', '\r'], " ") }
    }

    /// The path to the wrong place, such as `connections[0].ssl_request[1]`; empty for the whole.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

fn place(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("{path}: ") }
}
