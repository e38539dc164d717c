//! Edits: what becomes of the honest server's messages on their way.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::segment::Content;
use crate::protocol::names;

/// What becomes of one kind of message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Edit {
    /// Which, by its name, such as `row_description`.
    pub message: String,
    /// The first, second, … of the connection alone, from 1; every one without this setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<u32>,
    /// What becomes of it.
    pub edit: EditKind,
}

impl Edit {
    /// This becomes of every message of that name.
    #[must_use]
    pub fn every(message: impl Into<String>, edit: EditKind) -> Self {
        Self { message: message.into(), nth: None, edit }
    }
}

/// What becomes of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EditKind {
    /// It is not sent.
    Drop,
    /// It is sent twice.
    Duplicate,
    /// These are sent in its place.
    Replace(Vec<Content>),
    /// These are sent before it.
    Before(Vec<Content>),
    /// These are sent behind it.
    After(Vec<Content>),
}

/// Edits messages, and counts them.
#[derive(Debug, Default)]
pub(crate) struct Editor {
    edits: Vec<(Edit, u32)>,
}

impl Editor {
    pub(crate) fn new(edits: &[Edit]) -> Self {
        Self { edits: edits.iter().map(|edit| (edit.clone(), 0)).collect() }
    }

    /// Whether nothing is ever edited.
    pub(crate) fn is_idle(&self) -> bool {
        self.edits.is_empty()
    }

    /// The messages in `bytes`, edited; `render` writes contents.
    pub(crate) fn edit(
        &mut self,
        mut bytes: &[u8],
        mut render: impl FnMut(&[Content], &mut Vec<u8>),
    ) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        while let Some(message) = names::first_message(bytes) {
            bytes = &bytes[message.len()..];
            match self.kind_for(message) {
                None => out.extend(message),
                Some(EditKind::Drop) => {}
                Some(EditKind::Duplicate) => out.extend([message, message].concat()),
                Some(EditKind::Replace(contents)) => render(contents, &mut out),
                Some(EditKind::Before(contents)) => {
                    render(contents, &mut out);
                    out.extend(message);
                }
                Some(EditKind::After(contents)) => {
                    out.extend(message);
                    render(contents, &mut out);
                }
            }
        }
        out.extend(bytes);
        out
    }

    /// The first edit that is meant for this message; every one for its kind counts it.
    fn kind_for(&mut self, message: &[u8]) -> Option<&EditKind> {
        let name = names::of_backend(message);
        let mut found = None;
        for (edit, seen) in &mut self.edits {
            if !names::are_same(name, &edit.message) {
                continue;
            }
            *seen = seen.saturating_add(1);
            if edit.nth.is_none_or(|nth| nth == *seen) {
                found.get_or_insert(&edit.edit);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::backend;

    fn edited(edits: &str) -> String {
        let edits: Vec<Edit> = serde_json::from_str(edits).expect("edits");
        let mut bytes = Vec::new();
        backend::bind_complete(&mut bytes);
        backend::no_data(&mut bytes);
        backend::bind_complete(&mut bytes);
        let edited = Editor::new(&edits).edit(&bytes, |contents, out| {
            for content in contents {
                let Content::Raw(raw) = content else { panic!("{content:?}") };
                out.extend(raw.bytes());
            }
        });
        edited.iter().filter(|byte| byte.is_ascii_graphic()).map(|&byte| char::from(byte)).collect()
    }

    #[test]
    fn messages_are_edited_by_kind_and_by_number() {
        for (edits, wanted) in [
            ("[]", "2n2"),
            (r#"[{"message": "bind_complete", "edit": "drop"}]"#, "n"),
            (r#"[{"message": "bind_complete", "nth": 2, "edit": "drop"}]"#, "2n"),
            (r#"[{"message": "no_data", "edit": "duplicate"}]"#, "2nn2"),
            (r#"[{"message": "no_data", "edit": {"replace": [{"text": "x"}]}}]"#, "2x2"),
            (r#"[{"message": "no_data", "edit": {"before": [{"text": "x"}]}}]"#, "2xn2"),
            (r#"[{"message": "no_data", "edit": {"after": [{"text": "x"}]}}]"#, "2nx2"),
        ] {
            assert_eq!(edited(edits), wanted, "{edits}");
        }
    }
}
