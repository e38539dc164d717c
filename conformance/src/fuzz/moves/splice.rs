//! A part of another scenario that once showed something new.

use super::{connection::any_conversation, definition::Move};

pub(super) const SPLICE: Move = Move {
    weight: 4,
    make: |scenario, draw, around| {
        if around.corpus.is_empty() {
            return;
        }
        let other = &around.corpus[draw.below(around.corpus.len())];
        let Some(from) = other.script.connections.first() else { return };
        let Some(to) = any_conversation(&mut scenario.script, draw) else { return };
        match draw.below(6) {
            0 => to.ssl_request = from.ssl_request.clone(),
            1 => to.startup = from.startup.clone(),
            2 => to.session = from.session.clone(),
            3 => to.tls = from.tls,
            4 => {
                scenario.fetch.clone_from(&other.fetch);
                to.edits.clone_from(&from.edits);
            }
            _ => {
                to.edits.extend(from.edits.iter().cloned());
                to.edits.truncate(4);
            }
        }
    },
};
