//! Bytes that are wrong on purpose, or right ones at the wrong time.

use super::describe;
use crate::{
    negotiation::Piece,
    protocol::backend::{self, Authentication, Report, TransactionStatus},
    session::SERVER_VERSION,
    tls::{HANDSHAKE_FAILURE, fatal_record},
    transcript::EntryKind,
};

/// No TLS record begins like this.
const NOT_TLS: &[u8] = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";

/// Appends what is to be sent to `out`, and says what it is.
pub(super) fn append(piece: Piece, canary: &str, out: &mut Vec<u8>) -> EntryKind {
    match piece {
        Piece::Byte(byte) => {
            out.push(byte);
            EntryKind::NegotiationByte(byte)
        }
        Piece::Stuffing => {
            stuffing(out);
            EntryKind::Hostile("plaintext AuthenticationOk, ParameterStatus, ReadyForQuery")
        }
        Piece::Error => {
            let message = marked(canary, "sorry, too many clients already");
            let before = out.len();
            backend::error_response(out, &Report::fatal("53300", message));
            describe::message(&out[before..])
        }
        Piece::Alert => {
            out.extend(fatal_record(HANDSHAKE_FAILURE));
            EntryKind::Alert("fatal handshake_failure".to_owned())
        }
        Piece::NotTls => {
            out.extend(NOT_TLS);
            EntryKind::Hostile("bytes that are not TLS")
        }
    }
}

/// The words with the canary, which comes first: a client that quotes no more than the beginning
/// quotes it too.
pub(super) fn marked(canary: &str, words: &str) -> String {
    if canary.is_empty() { words.to_owned() } else { format!("{canary}: {words}") }
}

/// A login as it would end: whoever takes it for one believes that the session has begun.
fn stuffing(out: &mut Vec<u8>) {
    backend::authentication(out, Authentication::Ok);
    backend::parameter_status(out, "server_version", SERVER_VERSION);
    backend::parameter_status(out, "client_encoding", "UTF8");
    backend::ready_for_query(out, TransactionStatus::Idle);
}
