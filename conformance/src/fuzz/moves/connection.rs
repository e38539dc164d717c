//! Behaviour that differs from one connection to the next.

use pgtls_mock_server::{
    axes::ServerAxes,
    script::{Conversation, Script},
};

use super::{
    super::{draw::Draw, grammar::settings},
    definition::Move,
};

/// As many connections as have a conversation of their own.
const MOST: usize = 3;

pub(super) const CONNECTION: Move = Move {
    weight: 4,
    make: |scenario, draw, _| {
        let connections = &mut scenario.script.connections;
        let axes = if draw.one_in(3) { ServerAxes::default() } else { settings::server(draw) };
        let Some(other) = Script::of(&axes).connections.pop() else { return };
        let at = draw.below(connections.len() + 1);
        connections.insert(at, other);
        connections.truncate(MOST);
    },
};

/// One of the conversations; the only one where the script has none yet.
pub(super) fn any_conversation<'a>(
    script: &'a mut Script,
    draw: &mut Draw,
) -> Option<&'a mut Conversation> {
    if script.connections.is_empty() {
        script.connections.push(Conversation::default());
    }
    let at = draw.below(script.connections.len());
    script.connections.get_mut(at)
}
