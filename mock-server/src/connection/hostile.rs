//! Bytes that are wrong on purpose, or right ones at the wrong time.

use crate::{
    negotiation::Piece,
    protocol::backend::{self, Authentication, Report, TransactionStatus},
    tls::{HANDSHAKE_FAILURE, fatal_record},
    transcript::What,
};

/// No TLS record begins like this.
const NOT_TLS: &[u8] = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";

/// Appends what is to be sent to `out`, and says what it is.
pub(super) fn append(send: Piece, canary: &str, out: &mut Vec<u8>) -> What {
    match send {
        Piece::Byte(byte) => {
            out.push(byte);
            What::NegotiationByte(byte)
        }
        Piece::Stuffing => {
            stuffing(out);
            What::Hostile("plaintext AuthenticationOk, ParameterStatus, ReadyForQuery")
        }
        Piece::Error => {
            let report =
                Report::fatal("53300", format!("sorry, too many clients already ({canary})"));
            backend::error_response(out, &report);
            What::Backend { tag: b'E', name: "ErrorResponse", summary: report.message }
        }
        Piece::Alert => {
            out.extend(fatal_record(HANDSHAKE_FAILURE));
            What::Alert("fatal handshake_failure".to_owned())
        }
        Piece::NotTls => {
            out.extend(NOT_TLS);
            What::Hostile("bytes that are not TLS")
        }
    }
}

/// A login as it would end: whoever takes it for one believes that the session has begun.
fn stuffing(out: &mut Vec<u8>) {
    backend::authentication(out, Authentication::Ok);
    backend::parameter_status(out, "server_version", "18.0");
    backend::parameter_status(out, "client_encoding", "UTF8");
    backend::ready_for_query(out, TransactionStatus::Idle);
}
