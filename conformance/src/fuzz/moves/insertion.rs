//! A message where none was asked for: early, late, from another phase.

use pgtls_mock_server::script::{BackendMessage, Content, Raw, Step};

use super::{
    super::{
        draw::Draw,
        grammar::{bytes, message},
        sites,
    },
    definition::Move,
};
use crate::shim::ColumnType;

pub(super) const INSERTION: Move = Move {
    weight: 10,
    make: |scenario, draw, _| {
        let columns = scenario.columns();
        let script = &mut scenario.script;
        if draw.one_in(2) {
            let at = draw.below(sites::count_segments(script));
            sites::at_segment(script, at, &mut |contents| {
                let at = draw.below(contents.len() + 1);
                contents.insert(at, content(draw, &columns));
            });
        } else {
            let at = draw.below(sites::count_lists(script));
            sites::at_list(script, at, &mut |steps| {
                let at = draw.below(steps.len() + 1);
                steps.insert(at, Step::Send(vec![content(draw, &columns)]));
            });
        }
    },
};

fn content(draw: &mut Draw, columns: &[ColumnType]) -> Content {
    match draw.below(12) {
        0 => Content::Raw(Raw::Hex(bytes::short(draw).0)),
        1 => Content::Welcome,
        2 => Content::from(BackendMessage::AuthenticationOk(Default::default())),
        _ => Content::from(message::any(draw, columns)),
    }
}
