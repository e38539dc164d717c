//! The session's answer is written from scratch: to the query, whichever way it is asked.

use pgtls_mock_server::script::{BackendMessage as M, Case, ClientMessage, Content, Step, Steps};

use super::{
    super::{draw::Draw, grammar::message},
    connection::any_conversation,
    definition::Move,
};
use crate::shim::ColumnType;

pub(super) const REWRITE: Move = Move {
    weight: 5,
    make: |scenario, draw, _| {
        let columns = scenario.columns();
        let Some(conversation) = any_conversation(&mut scenario.script, draw) else { return };
        let on = draw.pick(&[
            ClientMessage::Query,
            ClientMessage::Query,
            ClientMessage::Parse,
            ClientMessage::Bind,
            ClientMessage::Describe,
            ClientMessage::Execute,
            ClientMessage::Sync,
            ClientMessage::Terminate,
            ClientMessage::Any,
        ]);
        let contents = answer(draw, &columns);
        let mut steps = vec![Step::Send(contents)];
        match draw.below(10) {
            0 => steps.push(Step::Close),
            1 => steps.push(Step::Reset),
            _ => {}
        }
        conversation.session.retain(|case| case.on != on);
        conversation.session.insert(0, Case::new(on, Steps::from(steps)));
        conversation.session.truncate(3);
    },
};

/// Messages of an answer, about in their order.
fn answer(draw: &mut Draw, columns: &[ColumnType]) -> Vec<Content> {
    let order = ["row_description", "data_row", "data_row", "command_complete", "ready_for_query"];
    let mut contents: Vec<Content> = Vec::new();
    for name in order {
        if draw.one_in(4) {
            continue;
        }
        let message = if draw.one_in(6) {
            message::any(draw, columns)
        } else if name == "ready_for_query" {
            M::ReadyForQuery(Default::default())
        } else {
            message::named(name, draw, columns)
        };
        contents.push(message.into());
    }
    contents
}
