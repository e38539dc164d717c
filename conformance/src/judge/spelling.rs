//! The ways in which a secret or a text may be written.

use base64::{Engine as _, engine::general_purpose};

/// The two halves of a secret: either alone tells it.
pub(super) fn halves(secret: &str) -> (&[u8], &[u8]) {
    secret.as_bytes().split_at(secret.len() / 2)
}

/// base64 of a longer text shows a secret at one of three phases; the characters that its
/// neighbours reach into are cut off.
pub(super) fn base64(secret: &[u8]) -> Vec<Vec<u8>> {
    let mut needles = Vec::new();
    for phase in PHASES {
        let padded = [vec![0; phase], secret.to_vec()].concat();
        let whole = padded.len() / 3 * 3;
        for engine in [general_purpose::STANDARD, general_purpose::URL_SAFE] {
            let text = engine.encode(&padded[..whole]);
            if needle(secret.len(), phase) >= SHORTEST_NEEDLE {
                needles.push(text.as_bytes()[cut(phase)..].to_vec());
            }
        }
    }
    needles
}

/// How long the shortest of those is of a secret of that length.
pub(super) fn shortest_base64(length: usize) -> usize {
    let needles = PHASES.map(|phase| needle(length, phase)).into_iter();
    needles.filter(|needle| *needle >= SHORTEST_NEEDLE).min().unwrap_or(usize::MAX)
}

/// Where in three bytes of a longer text a secret may begin.
const PHASES: [usize; 3] = [0, 1, 2];
/// Fewer characters may be anybody's.
const SHORTEST_NEEDLE: usize = 8;

/// How many characters are cut off at the beginning.
const fn cut(phase: usize) -> usize {
    if phase == 0 { 0 } else { 4 }
}

/// How many characters show a secret of that length at a phase.
const fn needle(length: usize, phase: usize) -> usize {
    ((length + phase) / 3 * 4).saturating_sub(cut(phase))
}

pub(super) fn hex(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| DIGITS[usize::from(digit)])
        .collect()
}

/// Whether the bytes hold something that is not nothing.
pub(super) fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    !needle.is_empty() && memchr::memmem::find(bytes, needle).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_base64_is_known_without_making_it() {
        for length in 0..40 {
            let shortest = base64(&vec![b'a'; length]).iter().map(Vec::len).min();
            assert_eq!(shortest.unwrap_or(usize::MAX), shortest_base64(length), "{length}");
        }
    }

    #[test]
    fn hexadecimal_digits_are_small() {
        assert_eq!(hex(&[0x00, 0x9a, 0xff]), b"009aff");
    }
}
