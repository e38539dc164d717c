//! The connection ends early, or nothing more comes.

use pgtls_mock_server::script::Step;

use super::{super::sites, definition::Move};

pub(super) const ENDING: Move = Move {
    weight: 3,
    make: |scenario, draw, _| {
        let script = &mut scenario.script;
        let at = draw.below(sites::count_lists(script));
        sites::at_list(script, at, &mut |steps| {
            let end = match draw.below(16) {
                // A client that waits for its timeout takes as long as hundreds of others.
                0 => Step::Silence,
                1..=5 => Step::Reset,
                _ => Step::Close,
            };
            steps.truncate(draw.below(steps.len() + 1));
            steps.push(end);
        });
    },
};
