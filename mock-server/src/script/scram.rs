//! How a server goes about SCRAM: the named scripts of the axis `scram`.

use super::language::Conversation;

/// The offer, the server's first message, and what it ends with; between them the client speaks.
fn exchange(mechanisms: &str, first: &str, end: &str) -> String {
    format!(
        r#"[
            {{"send": [{{"authentication_sasl": {{"mechanisms": [{mechanisms}]}}}}]}},
            {{"expect": "sasl_initial_response"}},
            {{"send": [{{"authentication_sasl_continue": {{"data": "{first}"}}}}]}},
            {{"expect": "sasl_response"}},
            {{"send": [{end}]}}
        ]"#
    )
}

const PLAIN: &str = r#""SCRAM-SHA-256""#;
const FIRST: &str = "r={client_nonce}{server_nonce},s={salt},i=4096";
const LAST: &str = r#"{"authentication_sasl_final": {"data": "v={server_signature}"}}, "welcome""#;

/// What the server does, as the steps of its login.
fn values() -> [(&'static str, String); 12] {
    let forged = r#"{"authentication_sasl_final": {
        "data": "v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
    }}, "welcome""#;
    [
        ("honest", exchange(PLAIN, FIRST, LAST)),
        // The server shows that it does not know the password.
        ("wrong-signature", exchange(PLAIN, FIRST, forged)),
        // It shows nothing.
        ("no-final", exchange(PLAIN, FIRST, r#""welcome""#)),
        (
            "early-ok",
            r#"[
                {"send": [{"authentication_sasl": {"mechanisms": ["SCRAM-SHA-256"]}}]},
                {"expect": "sasl_initial_response"},
                {"send": ["welcome"]}
            ]"#
            .to_owned(),
        ),
        // RFC 5802, section 5.1: the server's nonce is the client's with more behind it.
        ("short-nonce", exchange(PLAIN, "r={client_nonce},s={salt},i=4096", LAST)),
        ("other-nonce", exchange(PLAIN, "r={server_nonce},s={salt},i=4096", LAST)),
        ("few-iterations", exchange(PLAIN, &FIRST.replace("4096", "1"), LAST)),
        // CVE-2026-42198: a client that reckons them is busy for half an hour.
        ("many-iterations", exchange(PLAIN, &FIRST.replace("4096", "2147483647"), LAST)),
        ("plus-only", exchange(r#""SCRAM-SHA-256-PLUS""#, FIRST, LAST)),
        ("unknown-mechanism", exchange(r#""SCRAM-SHA-1024""#, FIRST, LAST)),
        // RFC 5802, section 5.1: a client must fail that does not know the extension.
        ("extension", exchange(PLAIN, &format!("m=pgtls,{FIRST}"), LAST)),
        (
            "error",
            exchange(PLAIN, FIRST, r#"{"authentication_sasl_final": {"data": "e=other-error"}}"#),
        ),
    ]
}

/// Each value with its conversation.
pub(super) fn all() -> impl Iterator<Item = (&'static str, Conversation)> {
    values().into_iter().map(|(value, startup)| {
        let startup = serde_json::from_str(&startup)
            .unwrap_or_else(|error| unreachable!("{error} in {startup}"));
        (value, Conversation { startup, ..Conversation::default() })
    })
}
