//! The axes of a cell as a file holds them.

use std::borrow::Cow;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    Texts,
    axes::{Axes, Axis},
};

/// The value of every axis by the axis's name, defaults included. Axes that the file does not have
/// stand at their defaults; those that this version does not know, and values that it does not, are
/// kept as texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamedAxes {
    known: Axes,
    others: IndexMap<String, String>,
}

impl NamedAxes {
    /// What this version knows of them, the rest at its default.
    #[must_use]
    pub const fn known(&self) -> &Axes {
        &self.known
    }

    /// The value of the axis of that name.
    #[must_use]
    pub fn value(&self, axis: &str) -> Option<&str> {
        self.iter().find(|(name, _)| *name == axis).map(|(_, value)| value)
    }

    /// Every axis with its value: this version's in their order, then the others.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let own = self.known.values();
        let own =
            own.map(|(axis, value)| (axis, self.others.get(axis).map_or(value, String::as_str)));
        let is_foreign = |(axis, _): &(&String, _)| Axis::named(axis).is_none();
        let foreign = self.others.iter().filter(is_foreign);
        own.chain(foreign.map(|(axis, value)| (axis.as_str(), value.as_str())))
    }

    /// The axes of these names and values.
    fn read(texts: IndexMap<String, String>) -> Self {
        let mut axes = Self::default();
        for (axis, value) in texts {
            if axes.known.set(&axis, &value).is_err() {
                axes.others.insert(axis, value);
            }
        }
        axes
    }
}

impl Texts for NamedAxes {
    fn texts(&mut self, each: &mut dyn FnMut(&mut String)) {
        let Self { known: _, others } = self;
        let changed = std::mem::take(others).into_iter().map(|(mut axis, mut value)| {
            each(&mut axis);
            each(&mut value);
            (axis, value)
        });
        *others = changed.collect();
    }
}

impl From<Axes> for NamedAxes {
    fn from(known: Axes) -> Self {
        Self { known, others: IndexMap::new() }
    }
}

impl Serialize for NamedAxes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for NamedAxes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IndexMap::deserialize(deserializer).map(Self::read)
    }
}

/// Texts by names: which there are is for each version to say.
impl JsonSchema for NamedAxes {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        IndexMap::<String, String>::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        IndexMap::<String, String>::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_version_wrote_is_kept() {
        let text = r#"{"reply":"accept","tls":"1.4","sslmode":"require","moon":"full"}"#;
        let axes: NamedAxes = serde_json::from_str(text).expect("axes");
        assert_eq!(axes.known().to_string(), "sslmode=require");
        assert_eq!(axes.value("tls"), Some("1.4"));
        assert_eq!(axes.value("moon"), Some("full"));
        assert_eq!(axes.value("key"), Some("p256"), "an axis that came later");
        let again = serde_json::to_string(&axes).expect("JSON");
        assert_eq!(serde_json::from_str::<NamedAxes>(&again).expect("axes"), axes);
        assert!(again.ends_with(r#""then":"close","moon":"full"}"#), "{again}");
    }
}
