//! A message that is there gets other fields: the same message, drawn again.

use pgtls_mock_server::script::{BackendMessage, Content};

use super::{
    super::{grammar::message, sites},
    definition::Move,
};

pub(super) const FIELD: Move = Move {
    weight: 10,
    make: |scenario, draw, _| {
        let columns = scenario.columns();
        let script = &mut scenario.script;
        let at = draw.below(sites::count_segments(script));
        sites::at_segment(script, at, &mut |contents| {
            let at = draw.below(contents.len());
            let Some(Content::Message(there)) = contents.get_mut(at) else { return };
            *there = message::named(&name(there), draw, &columns);
        });
    },
};

/// A message's name in scripts.
pub(in crate::fuzz) fn name(message: &BackendMessage) -> String {
    let json = serde_json::to_value(message).unwrap_or_default();
    let key = json.as_object().and_then(|object| object.keys().next().cloned());
    key.or_else(|| json.as_str().map(str::to_owned)).unwrap_or_default()
}
