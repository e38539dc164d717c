//! Duplicate: some bytes come twice.

use super::{Chunk, Rule, Verdict};

/// Repeats a range of bytes, right behind its end.
pub(super) struct Duplicate {
    at: u64,
    end: u64,
    /// What has passed of the range.
    copy: Vec<u8>,
}

impl Duplicate {
    pub(super) const fn new(at: u64, length: u16) -> Self {
        Self { at, end: at.saturating_add(length as u64), copy: Vec::new() }
    }
}

impl Rule for Duplicate {
    fn judge(&mut self, chunk: &Chunk<'_>) -> Verdict {
        if chunk.offset >= self.end {
            return Verdict::Pass;
        }
        let Some(from) = chunk.position(self.at) else { return Verdict::Pass };
        let Some(behind) = self
            .end
            .checked_sub(chunk.offset)
            .and_then(|end| usize::try_from(end).ok())
            .filter(|&end| end <= chunk.bytes.len())
        else {
            self.copy.extend_from_slice(&chunk.bytes[from..]);
            return Verdict::Pass;
        };
        let (first, rest) = chunk.bytes.split_at(behind);
        self.copy.extend_from_slice(&first[from..]);
        Verdict::Replace([first, &std::mem::take(&mut self.copy), rest].concat())
    }
}
