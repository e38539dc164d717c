//! Paths to what is wrong in a JSON text.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// How much of a wrong value is quoted, in characters.
const QUOTED: usize = 60;

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

/// The path as text; empty where the whole is wrong, or ends before there is a place.
pub(super) fn path(path: &serde_path_to_error::Path) -> String {
    let text = path.to_string();
    if text == "." || text == "?" { String::new() } else { text }
}
