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
    for phase in 0..3 {
        let padded = [vec![0; phase], secret.to_vec()].concat();
        let whole = padded.len() / 3 * 3;
        let from = if phase == 0 { 0 } else { 4 };
        for engine in [general_purpose::STANDARD, general_purpose::URL_SAFE] {
            let text = engine.encode(&padded[..whole]);
            if text.len() >= from + 8 {
                needles.push(text.as_bytes()[from..].to_vec());
            }
        }
    }
    needles
}

pub(super) fn hex(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
}

/// Whether the bytes hold something that is not nothing.
pub(super) fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    !needle.is_empty() && memchr::memmem::find(bytes, needle).is_some()
}
