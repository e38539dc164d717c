//! Strays: first packets in clear where the server reads none any more, because TLS has begun or
//! failed, or because it has said farewell. They are not answered, but they left the client.

use crate::protocol::startup::{self, Packet};

/// Finds first packets in a stream of clear bytes, in whatever pieces it comes.
#[derive(Debug, Default)]
pub(super) enum Strays {
    /// The connection reads its first packets itself.
    #[default]
    Unwatched,
    /// What may be the beginning of one.
    Watched(Vec<u8>),
    /// What came is none, and no boundary can be told behind it.
    Over,
}

impl Strays {
    /// From now on they are looked for.
    pub(super) fn watch(&mut self) {
        *self = Self::Watched(Vec::new());
    }

    pub(super) const fn is_watched(&self) -> bool {
        !matches!(self, Self::Unwatched)
    }

    /// Looks at the next bytes, and tells the packets that are whole with them, each with its size.
    pub(super) fn follow(&mut self, bytes: &[u8], mut tell: impl FnMut(&Packet, usize)) {
        let Self::Watched(begun) = self else { return };
        begun.extend_from_slice(bytes);
        loop {
            match startup::first_packet(begun) {
                Ok(Some((packet, size))) => {
                    tell(&packet, size);
                    begun.drain(..size);
                }
                Ok(None) => return,
                Err(_) => {
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
        let mut strays = Strays::default();
        strays.watch();
        let mut sizes = Vec::new();
        for piece in pieces {
            strays.follow(piece, |_, size| sizes.push(size));
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
    fn nothing_is_found_where_nobody_looks() {
        Strays::default().follow(&STARTUP, |_, _| panic!("it was not asked to"));
    }
}
