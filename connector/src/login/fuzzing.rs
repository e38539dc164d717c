//! The watch, fed with a server's bytes.

use super::*;

/// However the bytes are cut, the watch says the same, and what a reader says that has them all.
pub fn login_watch(data: &[u8]) {
    let Some((&[flags, piece], bytes)) = data.split_first_chunk() else { return };
    let channel = Channel {
        encrypted: flags & 1 != 0,
        binding_known: flags & 2 != 0,
        binding: [Binding::Disable, Binding::Prefer, Binding::Require][usize::from(flags >> 2) % 3],
    };
    let mut whole = Watch::new(channel);
    let fed = whole.feed(bytes);
    assert!(whole.partial.len() <= KEPT + 1);

    let mut in_pieces = Watch::new(channel);
    let mut taken = 0;
    let fed_in_pieces = bytes
        .chunks(usize::from(piece).max(1))
        .try_for_each(|piece| in_pieces.feed(piece).map(|bytes| taken += bytes));
    assert_eq!(fed_in_pieces, fed.clone().map(|_| ()));
    assert_eq!(fed.as_ref().map_or(taken, |&bytes| bytes), taken);
    assert_eq!(in_pieces.stage(), whole.stage());
    assert!(in_pieces.key() == whole.key());

    if fed.is_ok() {
        assert_eq!((whole.stage().clone(), taken), told_by(bytes));
    }
}

/// What messages say that hold no violation, and how many bytes belong to the login.
fn told_by(bytes: &[u8]) -> (Stage, usize) {
    let mut stage = Stage::Asked;
    let mut at = 0;
    while let Some(&[tag, a, b, c, d]) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        let Some(body) = bytes.get(at + 5..at + 1 + length) else { break };
        at += 1 + length;
        match (&stage, tag) {
            // What is longer than any message of a login tells nothing.
            _ if length > KEPT => {}
            (Stage::Asked, b'E') => stage = Stage::Rejected(sqlstate(body)),
            (Stage::Asked, b'R') if body.starts_with(&[0; 4]) => stage = Stage::Authenticated,
            (Stage::Authenticated, b'Z') => return (Stage::Ready, at),
            _ => {}
        }
    }
    (stage, bytes.len())
}
