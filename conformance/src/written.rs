//! A value in a file that another version may have written.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::texts::Texts;

/// A value as a file holds it, by its text: one that this version knows, or the text of one that it
/// does not, left as it is.
///
/// ```
/// use pgtls_conformance::{Written, axes::Sslmode};
///
/// let known: Written<Sslmode> = Written::read("require");
/// assert_eq!(known.known(), Some(&Sslmode::Require));
/// let later: Written<Sslmode> = Written::read("require-quantum");
/// assert_eq!(later.known(), None);
/// assert_eq!(later.to_string(), "require-quantum");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Written<T> {
    /// A value of this version.
    Known(T),
    /// The text of another's.
    Unknown(String),
}

impl<T> Written<T> {
    /// The value, where this version knows it.
    pub const fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }
}

impl<T: FromStr> Written<T> {
    /// The value of a text, or the text.
    #[must_use]
    pub fn read(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Unknown(text.to_owned()), Self::Known)
    }

    /// The same of each text.
    #[must_use]
    pub fn read_all(texts: &[&str]) -> Vec<Self> {
        texts.iter().map(|text| Self::read(text)).collect()
    }
}

impl<T> From<T> for Written<T> {
    fn from(value: T) -> Self {
        Self::Known(value)
    }
}

impl<T: PartialEq> PartialEq<T> for Written<T> {
    fn eq(&self, other: &T) -> bool {
        self.known() == Some(other)
    }
}

impl<T: fmt::Display> fmt::Display for Written<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(value) => value.fmt(f),
            Self::Unknown(text) => f.pad(text),
        }
    }
}

impl<T: fmt::Display> Serialize for Written<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, T: FromStr> Deserialize<'de> for Written<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(text.parse().map_or(Self::Unknown(text), Self::Known))
    }
}

/// What another version wrote is as foreign as what anybody did.
impl<T> Texts for Written<T> {
    fn texts(&mut self, each: &mut dyn FnMut(&mut String)) {
        match self {
            Self::Known(_) => {}
            Self::Unknown(text) => each(text),
        }
    }
}

/// A text: which values there are is for each version to say.
impl<T> JsonSchema for Written<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        String::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}
