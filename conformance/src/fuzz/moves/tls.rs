//! TLS: another certificate, key or version, and alerts where none belong.

use std::num::NonZeroU16;

use pgtls_mock_server::{
    axes::{Certificate, Key, TlsVersions},
    script::{Alert, Content, Step},
};

use super::{super::sites, connection::any_conversation, definition::Move};

/// Descriptions of alerts (RFC 8446, section 6): that the session ends, that it may not be, that the
/// certificate is wrong, and such as have no meaning.
const DESCRIPTIONS: &[u8] = &[
    0, 10, 20, 22, 40, 42, 45, 46, 47, 48, 50, 51, 70, 71, 80, 86, 90, 100, 109, 112, 116, 120, 255,
];

pub(super) const TLS: Move = Move {
    weight: 4,
    make: |scenario, draw, _| {
        let Some(conversation) = any_conversation(&mut scenario.script, draw) else { return };
        match draw.below(12) {
            0..=3 => conversation.tls.certificate = draw.pick(Certificate::ALL),
            4 => conversation.tls.key = draw.pick(Key::ALL),
            5 => conversation.tls.versions = draw.pick(TlsVersions::ALL),
            6 => conversation.tls.client_certificate ^= true,
            7 => conversation.tls.tickets = draw.pick(&[0, 1, 2, 16, 255]),
            8 => {
                let size = draw.pick(&[0, 1, 2, 5, 16, 100, 1_000, 16_384]);
                conversation.tls.record_size = NonZeroU16::new(size);
            }
            9 => sites::change(&mut conversation.startup, |steps| {
                let at = draw.below(steps.len() + 1);
                let times = draw.pick(&[1, 1, 2, 100]);
                let updates = std::iter::repeat_n(Step::KeyUpdate, times);
                steps.splice(at..at, updates);
            }),
            _ => sites::change(&mut conversation.ssl_request, |steps| {
                let alert = Content::Alert(Alert::new(draw.pick(&[1, 2]), draw.pick(DESCRIPTIONS)));
                let at = draw.below(steps.len() + 1);
                steps.insert(at, Step::Send(vec![alert]));
            }),
        }
    },
};
