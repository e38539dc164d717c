//! JSON in and out: strict, and with the path to what is wrong.

use super::{ScriptError, language::Script, path::path};

/// The longest script that is read, in bytes.
const LONGEST: usize = 16 << 20;

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
