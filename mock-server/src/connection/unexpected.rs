//! Unexpected packets: first packets in clear where the server reads none any more, because TLS has begun or
//! failed, or because it closes. They are not answered, but they left the client.

use crate::protocol::startup::{self, Packet};

/// How many are told: a flood of them is no news.
const MOST: usize = 100;

/// Finds first packets in a stream of clear bytes, in whatever pieces it comes.
#[derive(Debug, Default)]
pub(super) enum UnexpectedPackets {
    /// The connection reads its first packets itself.
    #[default]
    Unwatched,
    /// What may be the beginning of one, and how many there were.
    Watched(Vec<u8>, usize),
    /// What came is none, and no boundary can be told behind it; or there were enough.
    Over,
}

impl UnexpectedPackets {
    /// From now on they are looked for.
    pub(super) fn watch(&mut self) {
        *self = Self::Watched(Vec::new(), 0);
    }

    pub(super) const fn is_watched(&self) -> bool {
        !matches!(self, Self::Unwatched)
    }

    /// Looks at the next bytes, and tells the packets that are whole with them, each with its size.
    pub(super) fn follow(&mut self, bytes: &[u8], mut tell: impl FnMut(&Packet, usize)) {
        let Self::Watched(begun, count) = self else { return };
        begun.extend_from_slice(bytes);
        loop {
            match startup::first_packet(begun) {
                Ok(Some((packet, size))) if *count < MOST => {
                    tell(&packet, size);
                    begun.drain(..size);
                    *count += 1;
                }
                Ok(None) => return,
                Ok(Some(_)) | Err(_) => {
                    *self = Self::Over;
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
    const STARTUP: [u8; 9] = [0, 0, 0, 9, 0, 3, 0, 0, 0];

    fn found(pieces: &[&[u8]]) -> Vec<usize> {
        let mut packets = UnexpectedPackets::default();
        packets.watch();
        let mut sizes = Vec::new();
        for piece in pieces {
            packets.follow(piece, |_, size| sizes.push(size));
        }
        sizes
    }

    #[test]
    fn packets_are_found_in_any_pieces() {
        let bytes = [&SSL_REQUEST[..], &STARTUP, b"p and what is none", &STARTUP].concat();
        for cut in 0..bytes.len() {
            assert_eq!(found(&[&bytes[..cut], &bytes[cut..]]), [8, 9], "{cut}");
        }
    }

    #[test]
    fn a_flood_is_not_told_to_its_end() {
        assert_eq!(found(&[&SSL_REQUEST.repeat(2 * MOST)]).len(), MOST);
    }

    #[test]
    fn nothing_is_found_where_nobody_looks() {
        UnexpectedPackets::default().follow(&STARTUP, |_, _| panic!("it was not asked to"));
    }
}
