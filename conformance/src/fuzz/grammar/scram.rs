//! What stands in the messages of SCRAM (RFC 5802, section 7), right and wrong.

use super::{super::draw::Draw, bytes};

/// More iterations than anybody should reckon.
const MANY: &[&str] = &["100000000", "2147483647", "4294967295"];
/// Iterations that are none, or few, or no number of the grammar's.
const ODD: &[&str] = &[
    "1",
    "4096",
    "0",
    "-1",
    "",
    "4294967296",
    "99999999999999999999",
    "1e9",
    "0x10",
    " 4096",
    "+4096",
    "4096x",
];
const NONCES: &[&str] = &[
    "{client_nonce}{server_nonce}",
    "{client_nonce}",
    "{server_nonce}",
    "",
    "{server_nonce}{client_nonce}",
    "{client_nonce},",
    "{client_nonce}\u{0}",
    "{client_nonce}{server_nonce}\u{e9}",
];
const SALTS: &[&str] = &["{salt}", "", "====", "AAAA", "A", "!", "{salt}=", "\u{ff}", "AA=="];
const SIGNATURES: &[&str] = &[
    "{server_signature}",
    "",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "====",
    "{server_signature}=",
    "A",
    "!",
    "{server_signature},x=y",
];
const MECHANISMS: &[&[&str]] = &[
    &["SCRAM-SHA-256"],
    &["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"],
    &["SCRAM-SHA-256-PLUS"],
    &[],
    &[""],
    &["SCRAM-SHA-1"],
    &["PLAIN", "SCRAM-SHA-256"],
    &["SCRAM-SHA-256", "SCRAM-SHA-256"],
    &["OAUTHBEARER"],
    &["scram-sha-256"],
    &["EXTERNAL", "GSSAPI"],
];

/// The mechanisms of an offer.
pub(in crate::fuzz) fn mechanisms(draw: &mut Draw) -> Vec<pgtls_mock_server::script::value::Bytes> {
    let mut mechanisms: Vec<_> = draw.pick(MECHANISMS).iter().map(|&name| name.into()).collect();
    if draw.one_in(10) {
        mechanisms.push(bytes::text(draw));
    }
    mechanisms
}

/// server-first-message, or something like one.
pub(in crate::fuzz) fn server_first(draw: &mut Draw) -> String {
    // One part is wrong, seldom more: what comes first hides what comes behind.
    let wrong = draw.below(7);
    let part = |draw: &mut Draw, here: usize, of: &[&'static str]| {
        if wrong == here { draw.pick(of) } else { of[0] }
    };
    let nonce = part(draw, 0, NONCES);
    let salt = part(draw, 1, SALTS);
    let iterations = match wrong {
        2..=4 if draw.one_in(2) => draw.pick(MANY),
        2..=4 => draw.pick(ODD),
        _ => "16",
    };
    let first = format!("r={nonce},s={salt},i={iterations}");
    if wrong != 5 {
        return first;
    }
    match draw.below(7) {
        0 => format!("m=ext,{first}"),
        1 => format!("{first},x=more"),
        2 => format!("s={salt},r={nonce},i={iterations}"),
        3 => format!("r={nonce},s={salt}"),
        4 => format!("{first},"),
        5 => format!("e=other-error,{first}"),
        _ => String::new(),
    }
}

/// server-final-message, or something like one.
pub(in crate::fuzz) fn server_final(draw: &mut Draw) -> String {
    match draw.below(8) {
        0 => format!("e={}", draw.pick(&["other-error", "invalid-proof", "", "\u{0}"])),
        1 => format!("x=y,v={}", draw.pick(SIGNATURES)),
        2 => String::new(),
        _ => format!("v={}", draw.pick(SIGNATURES)),
    }
}
