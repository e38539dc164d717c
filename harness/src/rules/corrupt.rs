//! Corrupt: a byte arrives with other bits than it was sent with.

use super::{Chunk, Rule, Verdict};

/// Flips bits of one byte.
pub(super) struct Corrupt {
    at: u64,
    xor: u8,
}

impl Corrupt {
    pub(super) const fn new(at: u64, xor: u8) -> Self {
        Self { at, xor }
    }
}

impl Rule for Corrupt {
    fn judge(&mut self, chunk: &Chunk<'_>) -> Verdict {
        let position = self.at.checked_sub(chunk.offset).and_then(|it| usize::try_from(it).ok());
        let mut bytes = chunk.bytes.to_vec();
        match position.and_then(|position| bytes.get_mut(position)) {
            Some(byte) => {
                *byte ^= self.xor;
                Verdict::Replace(bytes)
            }
            None => Verdict::Pass,
        }
    }
}
