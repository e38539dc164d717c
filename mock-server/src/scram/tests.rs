//! SCRAM against the RFC's example, against postgres-protocol's client, and against liars.

use postgres_protocol::authentication::{
    md5_hash,
    sasl::{ChannelBinding, ScramSha256},
};

use super::*;

/// Few, for speed: the number changes nothing here.
const ITERATIONS: u32 = 3;
const SALT: &[u8] = b"a salt of 16 byt";

fn verifier(password: &str) -> Arc<Verifier> {
    Arc::new(Verifier::new(password, SALT, ITERATIONS))
}

fn offer(plus: bool, end_point: Option<Vec<u8>>) -> Offer {
    let plus = plus.then_some(SCRAM_SHA_256_PLUS);
    Offer::new(plus.into_iter().chain([SCRAM_SHA_256]).map(str::to_owned).collect(), end_point)
}

/// An honest server's side.
struct Scram {
    verifier: Arc<Verifier>,
    salt: Vec<u8>,
    offer: Offer,
    nonce: String,
}

impl Scram {
    fn first(self, mechanism: &str, message: &[u8]) -> Result<(WaitingForFinal, Vec<u8>), Error> {
        let first = self.offer.take(mechanism, message)?;
        let (client, server) = (first.nonce(), &self.nonce);
        let (salt, count) = (STANDARD.encode(&self.salt), self.verifier.iterations);
        let answer = format!("r={client}{server},s={salt},i={count}");
        assert_eq!(iterations(&answer), Some(count));
        Ok((first.answered(&answer, Some(self.verifier)), answer.into_bytes()))
    }
}

fn server(password: &str, offer: Offer) -> Scram {
    let (verifier, salt) = (verifier(password), SALT.to_vec());
    Scram { verifier, salt, offer, nonce: "server+nonce".to_owned() }
}

fn plus(end_point: &[u8]) -> Offer {
    offer(true, Some(end_point.to_vec()))
}

/// Runs postgres-protocol's client against the server.
fn run(
    mechanism: &str,
    mut client: ScramSha256,
    server: Scram,
) -> Result<(Success, ScramSha256), Error> {
    let (server, message) = server.first(mechanism, client.message())?;
    client.update(&message).expect("a message that the client reads");
    server.finish(client.message()).map(|success| (success, client))
}

#[test]
fn the_example_of_rfc_7677_comes_out() {
    let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").expect("base64");
    let verifier = Arc::new(Verifier::new("pencil", &salt, 4096));
    let nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0".to_owned();
    let scram = Scram { verifier, salt, offer: offer(false, None), nonce };
    let (waiting, message) =
        scram.first(SCRAM_SHA_256, b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO").expect("a first message");
    let wanted: &[u8] = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
        s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    assert_eq!(message.escape_ascii().to_string(), wanted.escape_ascii().to_string());
    let success = waiting.finish(
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
          p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    );
    let signature = "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=".to_owned();
    assert_eq!(success, Ok(Success { signature, bound: false }));
}

#[test]
fn an_independent_client_gets_in_and_believes_the_server() {
    let passwords = ["secret", "", "pass,word=x", "pässwörd", "I\u{AD}X", "\u{2168}", "\u{7}bell"];
    for password in passwords {
        for (mechanism, offer, binding) in [
            (SCRAM_SHA_256, offer(false, None), ChannelBinding::unsupported()),
            (SCRAM_SHA_256, offer(false, None), ChannelBinding::unrequested()),
            (SCRAM_SHA_256, plus(b"hash"), ChannelBinding::unsupported()),
            (
                SCRAM_SHA_256_PLUS,
                plus(b"hash"),
                ChannelBinding::tls_server_end_point(b"hash".to_vec()),
            ),
        ] {
            let client = ScramSha256::new(password.as_bytes(), binding);
            let (success, mut client) =
                run(mechanism, client, server(password, offer)).expect("a right proof");
            assert_eq!(success.bound, mechanism == SCRAM_SHA_256_PLUS);
            client
                .finish(format!("v={}", success.signature).as_bytes())
                .expect("a right signature");
        }
    }
}

#[test]
fn a_wrong_password_is_told_as_postgresql_does() {
    let client = ScramSha256::new(b"wrong", ChannelBinding::unsupported());
    let error = run(SCRAM_SHA_256, client, server("right", offer(false, None))).map(|_| ());
    assert_eq!(error, Err(Error::WrongProof));
    let report = Error::WrongProof.report("any");
    assert_eq!(report.code, "28P01");
    assert_eq!(report.message, "password authentication failed for user \"any\"");
}

#[test]
fn the_binding_has_to_be_the_channels() {
    let client = |binding: &[u8]| {
        ScramSha256::new(b"pw", ChannelBinding::tls_server_end_point(binding.to_vec()))
    };
    let result = run(SCRAM_SHA_256_PLUS, client(b"theirs"), server("pw", plus(b"ours")));
    assert_eq!(result.map(|_| ()), Err(Error::WrongBinding));
    assert_eq!(Error::WrongBinding.report("any").code, "28000");

    let ed25519 = offer(true, None);
    assert_eq!(ed25519.mechanisms[0], SCRAM_SHA_256_PLUS);
    let result = run(SCRAM_SHA_256_PLUS, client(b""), server("pw", ed25519));
    assert_eq!(result.map(|_| ()), Err(Error::NoHash));
}

#[test]
fn gs2_flags_are_taken_as_postgresql_takes_them() {
    let first = |mechanism: &str, offer: Offer, message: &str| {
        server("pw", offer).first(mechanism, message.as_bytes()).map(|_| ())
    };
    let bare = "n=,r=nonce";
    let end_point = format!("p=tls-server-end-point,,{bare}");
    // y is a downgrade only where -PLUS was offered.
    assert_eq!(first(SCRAM_SHA_256, offer(false, None), &format!("y,,{bare}")), Ok(()));
    let result = first(SCRAM_SHA_256, plus(b"h"), &format!("y,,{bare}"));
    assert_eq!(result, Err(Error::Downgrade));
    assert_eq!(Error::Downgrade.report("any").code, "28000");
    // n is fine with either, and not with -PLUS.
    assert_eq!(first(SCRAM_SHA_256, plus(b"h"), &format!("n,,{bare}")), Ok(()));
    for flag in ["n", "y"] {
        let result = first(SCRAM_SHA_256_PLUS, plus(b"h"), &format!("{flag},,{bare}"));
        assert!(matches!(result, Err(Error::Malformed(_))), "{result:?}");
    }
    // p needs -PLUS chosen, and offered, and its one type.
    assert_eq!(first(SCRAM_SHA_256_PLUS, plus(b"h"), &end_point), Ok(()));
    for offer in [offer(false, None), plus(b"h")] {
        let result = first(SCRAM_SHA_256, offer, &end_point);
        assert!(matches!(result, Err(Error::Malformed(_))), "{result:?}");
    }
    let result = first(SCRAM_SHA_256_PLUS, offer(false, None), &end_point);
    assert_eq!(result, Err(Error::Mechanism(SCRAM_SHA_256_PLUS.to_owned())));
    let result = first(SCRAM_SHA_256_PLUS, plus(b"h"), &format!("p=tls-unique,,{bare}"));
    assert_eq!(result, Err(Error::BindingType("tls-unique".to_owned())));
}

#[test]
fn a_client_cannot_change_its_mind_about_the_header() {
    for (first, then, fine) in
        [("n", "biws", true), ("n", "eSws", false), ("y", "eSws", true), ("y", "biws", false)]
    {
        let first = format!("{first},,n=,r=nonce");
        let (waiting, message) = server("pw", offer(false, None))
            .first(SCRAM_SHA_256, first.as_bytes())
            .expect("a message");
        let message = String::from_utf8(message).expect("text");
        let nonce = message.split(',').next().expect("a nonce");
        let proof = STANDARD.encode([0; 32]);
        let result = waiting.finish(format!("c={then},{nonce},p={proof}").as_bytes());
        let wanted = if fine {
            Error::WrongProof
        } else {
            Error::Malformed("a GS2 header other than the first")
        };
        assert_eq!(result, Err(wanted), "{first} {then}");
    }
}

#[test]
fn what_postgresql_does_not_do_is_refused() {
    for (message, code) in [
        ("n,a=other,n=,r=nonce", "0A000"),
        ("n,,m=ext,n=,r=nonce", "0A000"),
        ("n,x,n=,r=nonce", "08P01"),
        ("q,,n=,r=nonce", "08P01"),
        ("n,,r=nonce", "08P01"),
        ("n,,n=", "08P01"),
        ("n,,n=,r=", "08P01"),
        ("n,,n=,r=non ce", "08P01"),
        ("n", "08P01"),
        ("", "08P01"),
    ] {
        let error = server("pw", offer(false, None))
            .first(SCRAM_SHA_256, message.as_bytes())
            .expect_err("a refusal");
        assert_eq!(error.report("any").code, code, "{message}");
    }
    let error =
        server("pw", offer(false, None)).first("PLAIN", b"n,,n=,r=nonce").expect_err("a refusal");
    assert_eq!(error.report("any").code, "08P01");
}

#[test]
fn a_foreign_nonce_is_refused() {
    let (waiting, _) =
        server("pw", offer(false, None)).first(SCRAM_SHA_256, b"n,,n=,r=nonce").expect("a message");
    let proof = STANDARD.encode([0; 32]);
    let result = waiting.finish(format!("c=biws,r=nonce,p={proof}").as_bytes());
    assert_eq!(result, Err(Error::WrongNonce));
}

#[test]
fn md5_is_the_clients_own() {
    for (user, password) in [("any", "secret"), ("", ""), ("üser", "pässword")] {
        let salt = [1, 2, 0xff, 0];
        let theirs = md5_hash(user.as_bytes(), password.as_bytes(), salt);
        assert_eq!(md5_response(user, password, salt), theirs);
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(first: Vec<u8>, last: Vec<u8>, tail in "[ -~]{0,40}") {
        let _ = server("pw", offer(false, None)).first(SCRAM_SHA_256, &first);
        let (waiting, _) = server("pw", offer(false, None))
            .first(SCRAM_SHA_256, b"n,,n=,r=nonce").expect("a message");
        let _ = waiting.finish(&last);
        let (waiting, _) = server("pw", plus(b"h"))
            .first(SCRAM_SHA_256_PLUS, b"p=tls-server-end-point,,n=,r=nonce").expect("a message");
        let last = format!("c={tail},r={tail},p={tail}");
        proptest::prop_assert!(waiting.finish(last.as_bytes()).is_err());
    }
}
