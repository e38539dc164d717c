//! The answer to the query, and to whatever a driver asks besides: a message becomes another one.

use pgtls_mock_server::script::{Content, Edit, EditKind};

use super::{
    super::{draw::Draw, grammar::message},
    connection::any_conversation,
    definition::Move,
};

/// The messages of an honest session, the weightiest first.
const OF_SESSION: &[(u32, &str)] = &[
    (10, "data_row"),
    (8, "row_description"),
    (4, "command_complete"),
    (4, "ready_for_query"),
    (2, "parse_complete"),
    (2, "bind_complete"),
    (2, "parameter_description"),
    (1, "no_data"),
    (1, "close_complete"),
    (2, "parameter_status"),
    (2, "backend_key_data"),
    (1, "authentication_ok"),
];

pub(super) const ANSWER: Move = Move {
    weight: 20,
    make: |scenario, draw, _| {
        let columns = scenario.columns();
        let Some(conversation) = any_conversation(&mut scenario.script, draw) else { return };
        let name = draw.weighted(OF_SESSION, |it| it.0).1;
        let contents = |draw: &mut Draw| {
            let count = if draw.one_in(4) { 2 } else { 1 };
            let one = |draw: &mut Draw| {
                let same = !draw.one_in(4);
                let message = if same {
                    message::named(name, draw, &columns)
                } else {
                    message::any(draw, &columns)
                };
                Content::from(message)
            };
            (0..count).map(|_| one(draw)).collect::<Vec<_>>()
        };
        let kind = match draw.below(12) {
            0 => EditKind::Drop,
            1 => EditKind::Duplicate,
            2 => EditKind::Before(contents(draw)),
            3 => EditKind::After(contents(draw)),
            _ => EditKind::Replace(contents(draw)),
        };
        let mut edit = Edit::every(name, kind);
        if draw.one_in(4) {
            edit.nth = Some(1 + u32::from(draw.pick(&[0_u8, 0, 1, 2])));
        }
        // The first that fits is the one that counts.
        conversation.edits.insert(0, edit);
        conversation.edits.truncate(4);
    },
};
