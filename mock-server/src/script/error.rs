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
        // Both may quote the script, whose keys and texts hold anything.
        let on_one_line = |text: &str| text.replace(['\n', '\r'], " ");
        Self { path: on_one_line(path), what: on_one_line(&what.into()) }
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
