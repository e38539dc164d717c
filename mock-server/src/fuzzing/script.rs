//! Scripts.

use crate::script::Script;

/// A script that is read survives its JSON, and what can be read off it is; one that is not says why in one line.
pub fn script(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let script = match Script::from_json(text) {
        Ok(script) => script,
        Err(error) => {
            let words = error.to_string();
            assert!(!words.is_empty() && words.lines().count() == 1, "{words:?}");
            return;
        }
    };
    assert_eq!(Script::from_json(&script.to_json()).as_ref(), Ok(&script));
    for number in 0..3 {
        let outline = script.outline(number);
        let _ = (outline.tls(), outline.answer_to_ssl_request(), outline.direct_handshake());
        let _ = (outline.injects(), outline.falls_silent());
        for (encrypted, certificate) in [(false, false), (true, false), (true, true)] {
            let _ = outline.login(encrypted, certificate);
        }
        let _ = (outline.shakes_hands(), outline.offers_tls());
    }
}
