//! JSON in and out: strict, and with the path to what is wrong.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Script, ScriptError, language::Conversation};

/// The longest script that is read, in bytes.
const LONGEST: usize = 16 << 20;

/// How much of a wrong value is quoted, in characters.
const QUOTED: usize = 60;

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    ///
    /// [`ScriptError`], one line with the path to the wrong place.
    pub fn from_json(text: &str) -> Result<Self, ScriptError> {
        if text.len() > LONGEST {
            return Err(ScriptError::new("", format!("wanted at most {LONGEST} bytes")));
        }
        let mut reader = serde_json::Deserializer::from_str(text);
        let script: Self = serde_path_to_error::deserialize(&mut reader)
            .map_err(|error| ScriptError::new(&path(error.path()), error.inner().to_string()))?;
        reader.end().map_err(|error| ScriptError::new("", error.to_string()))?;
        script.check()?;
        Ok(script)
    }

    /// The script as it can be read again: JSON with line breaks.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

/// Reads a part of a script whose error is to name the place within.
pub(super) fn part<T: DeserializeOwned>(value: Value, name: &str) -> Result<T, String> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let within = path(error.path());
        let place = match (name.is_empty(), within.is_empty()) {
            (_, true) => name.to_owned(),
            (true, false) => within,
            (false, false) => format!("{name}.{within}"),
        };
        let what = error.inner().to_string();
        if place.is_empty() { what } else { format!("{place}: {what}") }
    })
}

/// The beginning of a value, for an error.
pub(super) fn excerpt(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn path(path: &serde_path_to_error::Path) -> String {
    let text = path.to_string();
    if text == "." { String::new() } else { text }
}

/// The sections of a conversation by the names that they have in JSON.
pub(super) fn sections(conversation: &Conversation) -> [(&'static str, &super::Steps); 6] {
    [
        ("accept", &conversation.accept),
        ("ssl_request", &conversation.ssl_request),
        ("gssenc_request", &conversation.gssenc_request),
        ("client_hello", &conversation.client_hello),
        ("startup", &conversation.startup),
        ("cancel_request", &conversation.cancel_request),
    ]
}
