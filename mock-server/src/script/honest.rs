//! The honest server's steps: what stands where a script says nothing.

use super::{
    language::{Expected, Step, Steps},
    segment::Piece,
};
use crate::protocol::message::BackendMessage;

/// `S`, then TLS.
pub(super) fn ssl_request() -> Steps {
    vec![Step::Send(vec![Piece::text("S")]), Step::Handshake].into()
}

/// `N`: nobody here speaks GSS.
pub(super) fn gssenc_request() -> Steps {
    vec![Step::Send(vec![Piece::text("N")])].into()
}

/// TLS at once (PostgreSQL 17, `sslnegotiation=direct`).
pub(super) fn client_hello() -> Steps {
    vec![Step::Handshake].into()
}

/// A login by password.
pub(super) fn startup() -> Steps {
    vec![
        Step::Send(vec![Piece::from(BackendMessage::AuthenticationCleartextPassword(
            Default::default(),
        ))]),
        Step::Expect(Expected::Password),
        Step::Send(vec![Piece::Welcome]),
    ]
    .into()
}

/// Whether there is such a session, and the key is its own, is told to nobody.
pub(super) fn cancel_request() -> Steps {
    vec![Step::Close].into()
}
