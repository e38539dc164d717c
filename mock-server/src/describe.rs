//! Messages as the transcript tells them: the server's are read back from the bytes that are sent.

use std::borrow::Cow;

use crate::{
    protocol::{excerpt, names, startup::Packet},
    transcript::EntryKind,
};

/// How many parameters of a StartupMessage are told: a driver sends a handful.
const MOST_PARAMETERS: usize = 64;
/// How much of a string is looked at, in bytes.
const MOST: usize = 1000;

/// A first packet of the client, and how many parts of it are not told.
pub(super) fn first_packet(packet: &Packet) -> (EntryKind, u64) {
    let what = match packet {
        Packet::SslRequest => EntryKind::SslRequest,
        Packet::GssEncRequest => EntryKind::GssEncRequest,
        Packet::Cancel(_) => EntryKind::CancelRequest,
        Packet::Startup(startup) => {
            let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
            let mut all = startup.parameters();
            let parameters = all.by_ref().take(MOST_PARAMETERS).map(own).collect();
            return (
                EntryKind::Startup { protocol: startup.protocol, parameters },
                all.count() as u64,
            );
        }
    };
    (what, 0)
}

/// The server's messages in `bytes`, each with its size.
pub(super) fn messages(mut bytes: &[u8]) -> impl Iterator<Item = (usize, EntryKind)> {
    std::iter::from_fn(move || {
        let message = names::first_message(bytes)?;
        bytes = &bytes[message.len()..];
        Some((message.len(), self::message(message)))
    })
}

/// The server's one message in `bytes`.
pub(super) fn message(bytes: &[u8]) -> EntryKind {
    let (tag, body) = match bytes {
        [tag, _, _, _, _, body @ ..] => (*tag, body),
        _ => (0, bytes),
    };
    let summary = match tag {
        b'S' => strings(body, "="),
        b'Z' => String::from_utf8_lossy(body).into_owned(),
        b'E' | b'N' => report(body),
        b'C' => strings(body, ""),
        _ => String::new(),
    };
    EntryKind::Backend { tag, name: names::of_backend(bytes), summary }
}

fn strings(body: &[u8], separator: &str) -> String {
    let mut text = String::with_capacity(body.len().min(MOST) + separator.len());
    for string in body.split(|&byte| byte == 0).filter(|string| !string.is_empty()) {
        if !text.is_empty() {
            text.push_str(separator);
        }
        text.push_str(&beginning(string));
    }
    text
}

/// What of a string is told: a client can make the server say what it likes, as often as it likes.
fn beginning(string: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(&string[..string.len().min(MOST)]);
    if string.len() > MOST { excerpt(&text).into() } else { text }
}

/// SQLSTATE and message.
fn report(body: &[u8]) -> String {
    let field = |kind: u8| {
        body.split(|&byte| byte == 0)
            .find(|field| field.first() == Some(&kind))
            .map(|field| beginning(&field[1..]))
            .unwrap_or_default()
    };
    format!("{} {}", field(b'C'), field(b'M'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{
        backend::{self, TransactionStatus},
        report::Report,
    };

    #[test]
    fn messages_are_told_apart() {
        let mut bytes = Vec::new();
        backend::parameter_status(&mut bytes, "TimeZone", "UTC");
        backend::error_response(&mut bytes, &Report::fatal("28000", "no entry"));
        backend::ready_for_query(&mut bytes, TransactionStatus::Open);
        let (sizes, words): (Vec<_>, Vec<_>) = messages(&bytes)
            .map(|(size, what)| match what {
                EntryKind::Backend { name, summary, .. } => (size, format!("{name} {summary}")),
                other => panic!("{other:?}"),
            })
            .unzip();
        assert_eq!(sizes.iter().sum::<usize>(), bytes.len());
        let wanted =
            ["ParameterStatus TimeZone=UTC", "ErrorResponse 28000 no entry", "ReadyForQuery T"];
        assert_eq!(words, wanted);
    }
}
