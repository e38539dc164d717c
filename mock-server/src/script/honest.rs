//! The honest server's steps: what stands where a script says nothing.

use super::{
    language::{Conversation, Expected, Step, Steps, Tls},
    segment::Content,
};
use crate::protocol::message::BackendMessage;

impl Default for Conversation {
    fn default() -> Self {
        Self {
            tls: Tls::default(),
            accept: Steps::default(),
            ssl_request: ssl_request(),
            gssenc_request: gssenc_request(),
            client_hello: client_hello(),
            startup: startup(),
            cancel_request: cancel_request(),
            session: Vec::new(),
            edits: Vec::new(),
        }
    }
}

/// `S`, then TLS.
fn ssl_request() -> Steps {
    vec![Step::Send(vec![Content::text("S")]), Step::Handshake].into()
}

/// `N`: nobody here speaks GSS.
fn gssenc_request() -> Steps {
    vec![Step::Send(vec![Content::text("N")])].into()
}

/// TLS at once (PostgreSQL 17, `sslnegotiation=direct`).
fn client_hello() -> Steps {
    vec![Step::Handshake].into()
}

/// A login by password.
fn startup() -> Steps {
    vec![
        Step::Send(vec![Content::from(BackendMessage::AuthenticationCleartextPassword(
            Default::default(),
        ))]),
        Step::Expect(Expected::Password),
        Step::Send(vec![Content::Welcome]),
    ]
    .into()
}

/// Whether there is such a session, and the key is its own, is told to nobody.
fn cancel_request() -> Steps {
    vec![Step::Close].into()
}
