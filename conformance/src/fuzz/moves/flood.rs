//! What is sent once is sent over and over.

use pgtls_mock_server::script::{Content, Edit, EditKind, Repeated};

use super::{
    super::{
        grammar::{message, number},
        sites,
    },
    connection::any_conversation,
    definition::Move,
};

pub(super) const FLOOD: Move = Move {
    weight: 2,
    make: |scenario, draw, _| {
        let columns = scenario.columns();
        let times = number::flood(draw);
        let script = &mut scenario.script;
        if draw.one_in(2) {
            let at = draw.below(sites::count_segments(script));
            sites::at_segment(script, at, &mut |contents| {
                let at = draw.below(contents.len());
                if let Some(content) = contents.get_mut(at)
                    && !matches!(content, Content::Repeat(_))
                {
                    *content = Content::Repeat(Repeated::new(times, vec![content.clone()]));
                }
            });
            return;
        }
        let name = draw.pick(&[
            "parameter_status",
            "notice_response",
            "notification_response",
            "data_row",
            "error_response",
        ]);
        let flood = Repeated::new(times, vec![message::named(name, draw, &columns).into()]);
        let before = draw.pick(&[
            "ready_for_query",
            "row_description",
            "command_complete",
            "backend_key_data",
        ]);
        if let Some(conversation) = any_conversation(script, draw) {
            let kind = EditKind::Before(vec![Content::Repeat(flood)]);
            // Once: a client that asks again and again is flooded enough.
            let mut edit = Edit::every(before, kind);
            edit.nth = Some(1);
            conversation.edits.insert(0, edit);
            conversation.edits.truncate(4);
        }
    },
};
