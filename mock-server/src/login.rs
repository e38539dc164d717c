//! The login as a function: who may come in, what proof is asked for, and whether it is the right one.

use std::{net::IpAddr, sync::Arc};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use rand::Rng;

use crate::{
    axes::{Access, Auth},
    protocol::{
        backend::{self, Authentication, Report},
        frontend::{self, Message},
        startup::StartupMessage,
    },
    scram::{self, Offer, Scram, Verifier, WaitingForFinal, md5_response},
    transcript::{Challenge, Proof},
};

/// What a login is judged by.
#[derive(Debug)]
pub(crate) struct Terms<'a> {
    pub(crate) access: Access,
    pub(crate) auth: Auth,
    pub(crate) password: &'a str,
    /// Where the client comes from.
    pub(crate) client: IpAddr,
    /// The TLS session, if there is one.
    pub(crate) tls: Option<TlsTerms>,
}

/// What a login may ask of the TLS session.
#[derive(Debug)]
pub(crate) struct TlsTerms {
    /// The channel binding of the server's certificate.
    pub(crate) server_end_point: Option<Vec<u8>>,
    /// The common name in the client's verified certificate.
    pub(crate) client_name: Option<String>,
}

/// What comes of a message.
#[derive(Debug)]
pub(crate) enum Step {
    /// The login is not decided: these bytes ask for more, and this waits for it.
    Ask { ask: Vec<u8>, challenge: Option<Challenge>, login: Login },
    /// It succeeded; these bytes go before AuthenticationOk.
    Accept(Vec<u8>),
    /// It failed.
    Reject(Report),
}

/// What comes of a proof.
#[derive(Debug)]
pub(crate) struct Judged {
    /// What the message proved; `None` if it was no proof at all.
    pub(crate) proof: Option<Proof>,
    pub(crate) step: Step,
}

/// A login that waits for a proof.
#[derive(Debug)]
pub(crate) struct Login {
    user: String,
    password: String,
    waiting: Waiting,
}

#[derive(Debug)]
enum Waiting {
    Password,
    Md5([u8; 4]),
    SaslInitial(Scram),
    /// The mechanism was chosen without a first message.
    SaslFirst(Scram, String),
    SaslFinal(WaitingForFinal),
}

impl Login {
    /// Takes the StartupMessage: rejects it as pg_hba would, or asks for the proof. SCRAM needs the
    /// verifier, which takes too long to be made here.
    pub(crate) fn start(
        startup: &StartupMessage,
        terms: &Terms<'_>,
        verifier: Option<Arc<Verifier>>,
        mut rng: impl Rng,
    ) -> Step {
        if let Some(report) = refusal(startup, terms) {
            return Step::Reject(report);
        }
        let user = startup.parameter("user").unwrap_or_default().to_owned();
        let (request, challenge, waiting) = match terms.auth {
            Auth::Trust => return Step::Accept(Vec::new()),
            Auth::Cert => {
                return match client_certificate(&user, terms) {
                    Some(report) => Step::Reject(report),
                    None => Step::Accept(Vec::new()),
                };
            }
            Auth::Password => (Authentication::CleartextPassword, None, Waiting::Password),
            Auth::Md5 => {
                let mut salt = [0; 4];
                rng.fill_bytes(&mut salt);
                let challenge = Challenge::Md5Salt(salt);
                (Authentication::Md5Password(salt), Some(challenge), Waiting::Md5(salt))
            }
            Auth::ScramSha256 | Auth::ScramSha256Plus => {
                let offer = match &terms.tls {
                    Some(tls) if terms.auth == Auth::ScramSha256Plus => {
                        Offer::PlainAndPlus(tls.server_end_point.clone())
                    }
                    _ => Offer::Plain,
                };
                let Some(verifier) = verifier else {
                    return Step::Reject(Report::fatal("XX000", "no verifier for the password"));
                };
                let salt = verifier.salt().to_vec();
                let challenge = Challenge::ScramSalt(salt, verifier.iterations());
                let mechanisms = offer.mechanisms();
                let scram = Scram::new(verifier, offer, nonce(rng));
                (Authentication::Sasl(mechanisms), Some(challenge), Waiting::SaslInitial(scram))
            }
        };
        let login = Self { user, password: terms.password.to_owned(), waiting };
        Step::Ask { ask: authentication(request), challenge, login }
    }

    /// Takes the client's next message.
    pub(crate) fn take(self, message: &Message) -> Judged {
        let Message::Proof(proof) = message else {
            let asked = match self.waiting {
                Waiting::Password | Waiting::Md5(_) => "password",
                _ => "SASL",
            };
            let report = Report::fatal(
                "08P01",
                format!("expected {asked} response, got message type {}", message.tag()),
            );
            return Judged { proof: None, step: Step::Reject(report) };
        };
        let Self { user, password, waiting } = self;
        match waiting {
            Waiting::Password => {
                let right = proof.password() == Ok(password.as_bytes());
                let step = decided(right, &user, proof);
                Judged { proof: Some(Proof::Password { right }), step }
            }
            Waiting::Md5(salt) => {
                let expected = md5_response(&user, &password, salt);
                let right = proof.password() == Ok(expected.as_bytes());
                Judged { proof: Some(Proof::Md5 { right }), step: decided(right, &user, proof) }
            }
            Waiting::SaslInitial(scram) => sasl_initial(scram, user, password, proof),
            Waiting::SaslFirst(scram, mechanism) => {
                let plus = mechanism == scram::SCRAM_SHA_256_PLUS;
                let step = sasl_first(scram, &mechanism, proof.bytes(), user, password);
                Judged { proof: Some(Proof::SaslInitial { plus }), step }
            }
            Waiting::SaslFinal(exchange) => sasl_final(exchange, &user, proof),
        }
    }
}

/// The first reason not to let the client in, before any proof.
fn refusal(startup: &StartupMessage, terms: &Terms<'_>) -> Option<Report> {
    let (major, minor) = startup.protocol;
    if major != 3 {
        return Some(Report::fatal(
            "0A000",
            format!("unsupported frontend protocol {major}.{minor}: server supports 3.0 to 3.2"),
        ));
    }
    let Some(user) = startup.parameter("user").filter(|user| !user.is_empty()) else {
        return Some(Report::fatal("28000", "no PostgreSQL user name specified in startup packet"));
    };
    let encrypted = terms.tls.is_some();
    let admitted = match terms.access {
        Access::Any => true,
        Access::SslOnly => encrypted,
        Access::NosslOnly => !encrypted,
    };
    // A rule with the method `cert` is a hostssl rule.
    if admitted && (encrypted || terms.auth != Auth::Cert) {
        return None;
    }
    let database = startup.parameter("database").unwrap_or(user);
    let encryption = if encrypted { "SSL encryption" } else { "no encryption" };
    Some(Report::fatal(
        "28000",
        format!(
            "no pg_hba.conf entry for host \"{}\", user \"{user}\", database \"{database}\", {encryption}",
            terms.client
        ),
    ))
}

/// Why the method `cert` turns the client away.
fn client_certificate(user: &str, terms: &Terms<'_>) -> Option<Report> {
    match terms.tls.as_ref().and_then(|tls| tls.client_name.as_deref()) {
        Some(name) if name == user => None,
        Some(_) => Some(Report::fatal(
            "28000",
            format!("certificate authentication failed for user \"{user}\""),
        )),
        None => Some(Report::fatal("28000", "connection requires a valid client certificate")),
    }
}

fn decided(right: bool, user: &str, proof: &frontend::Proof) -> Step {
    if right {
        return Step::Accept(Vec::new());
    }
    Step::Reject(match proof.password() {
        Err(_) => Report::fatal("08P01", "invalid password packet size"),
        Ok([]) => Report::fatal("28P01", "empty password returned by client"),
        Ok(_) => scram::Error::WrongProof.report(user),
    })
}

fn sasl_initial(
    exchange: Scram,
    user: String,
    password: String,
    proof: &frontend::Proof,
) -> Judged {
    let initial = match proof.sasl_initial() {
        Ok(initial) => initial,
        Err(error) => {
            let step = Step::Reject(Report::fatal("08P01", error.to_string()));
            return Judged { proof: Some(Proof::SaslInitial { plus: false }), step };
        }
    };
    let plus = initial.mechanism == scram::SCRAM_SHA_256_PLUS;
    let step = match initial.response {
        Some(response) => sasl_first(exchange, &initial.mechanism, response, user, password),
        None => {
            let waiting = Waiting::SaslFirst(exchange, initial.mechanism);
            let login = Login { user, password, waiting };
            let ask = authentication(Authentication::SaslContinue(&[]));
            Step::Ask { ask, challenge: None, login }
        }
    };
    Judged { proof: Some(Proof::SaslInitial { plus }), step }
}

fn sasl_first(
    exchange: Scram,
    mechanism: &str,
    response: &[u8],
    user: String,
    password: String,
) -> Step {
    match exchange.first(mechanism, response) {
        Ok((exchange, answer)) => {
            let login = Login { user, password, waiting: Waiting::SaslFinal(exchange) };
            let ask = authentication(Authentication::SaslContinue(&answer));
            Step::Ask { ask, challenge: None, login }
        }
        Err(error) => Step::Reject(error.report(&user)),
    }
}

fn sasl_final(exchange: WaitingForFinal, user: &str, proof: &frontend::Proof) -> Judged {
    let plus = exchange.is_plus();
    match exchange.finish(proof.bytes()) {
        Ok(success) => Judged {
            proof: Some(Proof::SaslFinal { plus, bound: success.bound, right: true }),
            step: Step::Accept(authentication(Authentication::SaslFinal(&success.message))),
        },
        Err(error) => {
            // The binding is judged before the proof.
            let bound = plus && error == scram::Error::WrongProof;
            Judged {
                proof: Some(Proof::SaslFinal { plus, bound, right: false }),
                step: Step::Reject(error.report(user)),
            }
        }
    }
}

fn authentication(request: Authentication<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    backend::authentication(&mut bytes, request);
    bytes
}

/// The server's part of a SCRAM nonce: as many random bytes as PostgreSQL takes.
fn nonce(mut rng: impl Rng) -> String {
    let mut bytes = [0; 18];
    rng.fill_bytes(&mut bytes);
    BASE64_STANDARD.encode(bytes)
}
