//! The client's messages.

use std::io;

use bytes::BytesMut;
use postgres_protocol::message::frontend as theirs;

use crate::protocol::frontend::{self, Message, Target};

/// A stream of messages is read one by one, none before it is whole; and what postgres-protocol's client would write for
/// what was read are the bytes that came.
pub fn frontend_message(data: &[u8]) {
    let mut rest = data;
    while let Ok(Some((message, size))) = frontend::message(rest) {
        let bytes = &rest[..size];
        assert_eq!(frontend::size(bytes), Some(size));
        assert_eq!(message.tag(), bytes[0]);
        assert_eq!(frontend::message(&bytes[..size - 1]), Ok(None));
        let summary = message.summary();
        assert!(!summary.contains(['\n', '\r']) && summary.chars().count() < 1000, "{summary}");
        if let Message::Proof(proof) = &message {
            let _ = (proof.password(), proof.sasl_initial());
        }
        if std::str::from_utf8(bytes).is_ok()
            && let Some(written) = written(&message)
        {
            assert_eq!(written, bytes, "{message:?}");
        }
        rest = &rest[size..];
    }
}

/// The message as postgres-protocol writes it; none where it does not, or not all of it is kept.
fn written(message: &Message) -> Option<Vec<u8>> {
    let write = |write: &dyn Fn(&mut BytesMut) -> io::Result<()>| {
        let mut out = BytesMut::new();
        write(&mut out).ok().map(|()| out.to_vec())
    };
    let of = |target: &Target| match target {
        Target::Statement(name) => (b'S', name.clone()),
        Target::Portal(name) => (b'P', name.clone()),
    };
    match message {
        Message::Close(target) => {
            let (kind, name) = of(target);
            write(&|out| theirs::close(kind, &name, out))
        }
        Message::CopyFail(reason) => write(&|out| theirs::copy_fail(reason, out)),
        Message::Describe(target) => {
            let (kind, name) = of(target);
            write(&|out| theirs::describe(kind, &name, out))
        }
        Message::Execute { portal, max_rows } => {
            write(&|out| theirs::execute(portal, *max_rows, out))
        }
        Message::Parse { statement, query, parameter_types } => {
            write(&|out| theirs::parse(statement, query, parameter_types.iter().copied(), out))
        }
        Message::Proof(proof) => write(&|out| theirs::sasl_response(proof.bytes(), out)),
        Message::Query(query) => write(&|out| theirs::query(query, out)),
        Message::Sync => Some(whole(theirs::sync)),
        Message::Flush => Some(whole(theirs::flush)),
        Message::Terminate => Some(whole(theirs::terminate)),
        _ => None,
    }
}

fn whole(write: fn(&mut BytesMut)) -> Vec<u8> {
    let mut out = BytesMut::new();
    write(&mut out);
    out.to_vec()
}
