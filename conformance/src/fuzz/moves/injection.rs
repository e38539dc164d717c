//! The seam of TLS: bytes behind the `S`, before the handshake, and in the place of either.

use pgtls_mock_server::script::{Alert, BackendMessage, Content, Raw, Step, Wait};

use super::{
    super::{
        draw::Draw,
        grammar::{bytes, message},
        sites,
    },
    connection::any_conversation,
    definition::Move,
};
use crate::shim::ColumnType;

pub(super) const INJECTION: Move = Move {
    weight: 8,
    make: |scenario, draw, _| {
        let columns = scenario.columns();
        let Some(conversation) = any_conversation(&mut scenario.script, draw) else { return };
        let way = draw.below(10);
        let section = if draw.one_in(5) {
            &mut conversation.client_hello
        } else {
            &mut conversation.ssl_request
        };
        sites::change(section, |list| match way {
            // Another answer altogether.
            0 => *list = vec![Step::Send(vec![answer(draw)]), Step::Handshake],
            1 => *list = vec![Step::Send(vec![answer(draw)])],
            // In a segment of its own, which the client may have read or not.
            2 => {
                let behind = session_data(draw, &columns);
                list.insert(1.min(list.len()), Step::Send(behind));
            }
            3 => {
                let behind = session_data(draw, &columns);
                list.insert(1.min(list.len()), Step::Wait(Wait::ClientHello));
                list.insert(2.min(list.len()), Step::Send(behind));
            }
            // In the segment of the first answer.
            _ => {
                let behind = session_data(draw, &columns);
                match list.first_mut() {
                    Some(Step::Send(contents)) => contents.extend(behind),
                    _ => list.insert(0, Step::Send(behind)),
                }
            }
        });
    },
};

/// An answer to SSLRequest, or none.
fn answer(draw: &mut Draw) -> Content {
    match draw.below(6) {
        0 => Content::from(message::named("error_response", draw, &[])),
        1 => Content::Raw(Raw::Hex(bytes::short(draw).0)),
        2 => Content::Alert(Alert::new(draw.pick(&[1, 2, 0, 255]), draw.any())),
        3 => Content::from(message::any(draw, &[ColumnType::Int4])),
        _ => Content::text(draw.pick(&[
            "S",
            "N",
            "G",
            "E",
            "s",
            "R",
            "SS",
            "NS",
            "SN",
            "HTTP/1.1 400 Bad Request\r\n\r\n",
        ])),
    }
}

/// What a client may take for the session: a login's end, an answer, a part of one.
fn session_data(draw: &mut Draw, columns: &[ColumnType]) -> Vec<Content> {
    let ok = || Content::from(BackendMessage::AuthenticationOk(Default::default()));
    let ready = || Content::from(BackendMessage::ReadyForQuery(Default::default()));
    match draw.below(6) {
        0 => vec![Content::Welcome],
        1 => vec![ok(), ready()],
        2 => vec![ok()],
        3 => vec![message::any(draw, columns).into()],
        4 => vec![Content::Raw(Raw::Hex(bytes::short(draw).0))],
        _ => {
            let version = serde_json::json!({"parameter_status": {"name": "server_version", "value": "18.4"}});
            let version = serde_json::from_value(version).map(Content::Message);
            let row = message::named("row_description", draw, columns);
            [ok()].into_iter().chain(version).chain([ready(), row.into()]).collect()
        }
    }
}
