//! SCRAM, both sides of it: ours is the server's, postgres-protocol's the client's.

use std::sync::{Arc, LazyLock};

use postgres_protocol::authentication::sasl::{ChannelBinding, ScramSha256};

use crate::{
    protocol::frontend::ProofMessage,
    scram::{self, Offer, SCRAM_SHA_256_PLUS, Verifier},
};

const SCRAM_SHA_256: &str = "SCRAM-SHA-256";
const SALT: &[u8] = b"a salt of 16 byt";
/// In base64.
const SALT_TEXT: &str = "YSBzYWx0IG9mIDE2IGJ5dA==";
/// The number changes nothing but the time that it takes.
const ITERATIONS: u32 = 1;
const END_POINT: &[u8] = &[7; 32];

/// A byte of flags and three lines. A stranger who sends the first and the third is never let in; whoever has the
/// first for password is, with the second in the nonce; and a client reads as many iterations in the third as we do.
pub fn scram(data: &[u8]) {
    let Some((&flags, lines)) = data.split_first() else { return };
    let mut lines = lines.split(|&byte| byte == b'\n');
    let [first, second, third] = [(); 3].map(|()| lines.next().unwrap_or_default());
    let plus = flags & 1 != 0;
    stranger(plus, flags & 2 != 0, [first, second, third]);
    if let Ok(password) = std::str::from_utf8(first)
        && second.iter().all(|byte| byte.is_ascii_graphic() && *byte != b',')
    {
        friend(plus, password, &String::from_utf8_lossy(second));
    }
    server_first(third);
}

fn mechanism(plus: bool) -> &'static str {
    if plus { SCRAM_SHA_256_PLUS } else { SCRAM_SHA_256 }
}

fn offer(plus: bool, bound: bool) -> Offer {
    let plus = plus.then_some(SCRAM_SHA_256_PLUS);
    let mechanisms = plus.into_iter().chain([SCRAM_SHA_256]).map(str::to_owned).collect();
    Offer::new(mechanisms, bound.then(|| END_POINT.to_vec()))
}

/// Says anything, and knows no password.
fn stranger(plus: bool, bound: bool, [first, server_first, last]: [&[u8]; 3]) {
    static VERIFIER: LazyLock<Arc<Verifier>> =
        LazyLock::new(|| Arc::new(Verifier::new("nobody knows it", SALT, ITERATIONS)));
    let _ = ProofMessage::from(first.to_vec()).sasl_initial().map(|initial| initial.mechanism);
    let client = match offer(plus, bound).take(mechanism(plus), first) {
        Ok(client) => client,
        Err(error) => {
            let _ = error.report("user");
            return;
        }
    };
    assert!(!client.nonce().is_empty() && !client.nonce().contains(','));
    let server_first = String::from_utf8_lossy(server_first);
    let waiting = client.answered(&server_first, Some(Arc::clone(&VERIFIER)));
    assert_eq!(waiting.is_plus(), plus);
    let error = waiting.finish(last).expect_err("nobody knows the password");
    let _ = error.report("user");
}

/// Has this password.
fn friend(plus: bool, password: &str, nonce: &str) {
    let binding = match plus {
        true => ChannelBinding::tls_server_end_point(END_POINT.to_vec()),
        false => ChannelBinding::unsupported(),
    };
    let mut client = ScramSha256::new(password.as_bytes(), binding);
    let verifier = Arc::new(Verifier::new(password, SALT, ITERATIONS));
    let first = offer(plus, true).take(mechanism(plus), client.message()).expect("a first message");
    let server_first = format!("r={}{nonce},s={SALT_TEXT},i={ITERATIONS}", first.nonce());
    let waiting = first.answered(&server_first, Some(verifier));
    client.update(server_first.as_bytes()).expect("an honest server");
    let success = waiting.finish(client.message()).expect("the right password");
    assert_eq!(success.bound, plus);
    client.finish(format!("v={}", success.signature).as_bytes()).expect("the server's proof");
}

/// A server's first message behind the client's nonce.
fn server_first(tail: &[u8]) {
    let Ok(tail) = std::str::from_utf8(tail) else { return };
    let mut client = ScramSha256::new(b"password", ChannelBinding::unsupported());
    let first = offer(false, false).take(SCRAM_SHA_256, client.message()).expect("a message");
    let message = format!("r={}{tail}", first.nonce());
    let iterations = scram::iterations(&message);
    if iterations.is_none_or(|count| count < 16) && client.update(message.as_bytes()).is_ok() {
        assert!(iterations.is_some());
    }
}
