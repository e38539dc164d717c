//! Proofs: whether what the client gives is what the login asked for, as PostgreSQL judges it.

use std::sync::Arc;

use super::action::World;
use crate::{
    protocol::{
        frontend::{self, Message},
        report::Report,
        startup::StartupMessage,
    },
    scram::{self, ClientFirst, Offer, Verifier, WaitingForFinal, md5_response},
    script::Expected,
    transcript::Proof,
};

/// The newest protocol that the server speaks, PostgreSQL 18's.
pub(super) const NEWEST_PROTOCOL: (u16, u16) = (3, 2);

/// What the login has sent and seen, and judges proofs by.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    pub(super) user: String,
    pub(super) database: String,
    /// The salt of the last AuthenticationMD5Password.
    pub(super) md5_salt: Option<[u8; 4]>,
    pub(super) sasl: Sasl,
    /// The mechanism was chosen in a SASLInitialResponse without a first message.
    chosen: Option<String>,
    pub(super) plus: bool,
    /// The server's signature, in base64.
    pub(super) signature: Option<String>,
}

/// Where a SASL exchange stands.
#[derive(Debug, Default)]
pub(super) enum Sasl {
    #[default]
    NotOffered,
    Offered(Offer),
    First(ClientFirst),
    WaitingForFinal(WaitingForFinal),
}

/// What comes of a proof.
#[derive(Debug)]
pub(super) enum Verdict {
    Right,
    /// It is not whole: an empty AuthenticationSASLContinue asks for the rest.
    AskForMore,
    Wrong(Report),
}

/// What comes of a message.
#[derive(Debug)]
pub(super) struct Judged {
    /// What the message proved; `None` if it was no proof at all.
    pub(super) proof: Option<Proof>,
    pub(super) verdict: Verdict,
}

/// The first reason not to let the client in, before any rule and any proof.
pub(super) fn refusal(startup: &StartupMessage) -> Option<Report> {
    let (major, minor) = startup.protocol;
    if major != NEWEST_PROTOCOL.0 {
        return Some(Report::fatal(
            "0A000",
            format!("unsupported frontend protocol {major}.{minor}: server supports 3.0 to 3.2"),
        ));
    }
    if startup.parameter("user").is_none_or(str::is_empty) {
        return Some(Report::fatal("28000", "no PostgreSQL user name specified in startup packet"));
    }
    None
}

impl Exchange {
    pub(super) fn new(startup: &StartupMessage) -> Self {
        let user = startup.parameter("user").unwrap_or_default();
        let database = startup.parameter("database").unwrap_or(user);
        Self { user: user.to_owned(), database: database.to_owned(), ..Self::default() }
    }

    /// What a client is told for which there is no rule.
    pub(super) fn no_pg_hba_entry(&self, world: &World<'_>) -> Report {
        let encryption = if world.tls.is_some() { "SSL encryption" } else { "no encryption" };
        let Self { user, database, .. } = self;
        let client = world.client;
        Report::fatal(
            "28000",
            format!(
                "no pg_hba.conf entry for host \"{client}\", user \"{user}\", database \"{database}\", {encryption}"
            ),
        )
    }

    /// Why the client certificate does not let the client in, if so.
    pub(super) fn client_certificate(&self, world: &World<'_>) -> Option<Report> {
        let user = &self.user;
        match world.tls.and_then(|tls| tls.client_name.as_deref()) {
            Some(name) if name == user => None,
            Some(_) => Some(Report::fatal(
                "28000",
                format!("certificate authentication failed for user \"{user}\""),
            )),
            None => Some(Report::fatal("28000", "connection requires a valid client certificate")),
        }
    }

    /// The server's first message of SCRAM was sent.
    pub(super) fn server_first_sent(&mut self, text: &str, verifier: Option<Arc<Verifier>>) {
        self.sasl = match std::mem::take(&mut self.sasl) {
            Sasl::First(first) => Sasl::WaitingForFinal(first.answered(text, verifier)),
            other => other,
        };
    }

    /// Judges the client's message.
    pub(super) fn judge(
        &mut self,
        expected: Expected,
        message: &Message,
        world: &World<'_>,
    ) -> Judged {
        let Message::Proof(proof) = message else {
            let asked = match expected {
                Expected::Password | Expected::Md5 => "password",
                _ => "SASL",
            };
            let words = format!("expected {asked} response, got message type {}", message.tag());
            return Judged { proof: None, verdict: wrong("08P01", words) };
        };
        if matches!(expected, Expected::Password | Expected::Md5)
            && let Some(judged) = self.of_sasl(proof)
        {
            return judged;
        }
        let password = world.password;
        match expected {
            Expected::Password => {
                let right = proof.password() == Ok(password.as_bytes());
                let verdict = self.decided(right, proof);
                Judged { proof: Some(Proof::Password { right }), verdict }
            }
            Expected::Md5 => {
                let salt = self.md5_salt.unwrap_or_default();
                let expected = md5_response(&self.user, password, salt);
                let right = proof.password() == Ok(expected.as_bytes());
                let verdict = self.decided(right, proof);
                Judged { proof: Some(Proof::Md5 { right }), verdict }
            }
            Expected::SaslInitialResponse => self.sasl_initial(proof),
            Expected::SaslResponse => self.sasl_final(proof),
            Expected::ClientCertificate => {
                Judged { proof: None, verdict: wrong("08P01", "expected no message".to_owned()) }
            }
        }
    }

    /// A message of a SASL exchange where something else is expected: a client answers what it was asked,
    /// perhaps before its StartupMessage was read.
    fn of_sasl(&mut self, proof: &frontend::ProofMessage) -> Option<Judged> {
        if let Sasl::WaitingForFinal(_) = self.sasl
            && proof.bytes().starts_with(b"c=")
        {
            return Some(self.sasl_final(proof));
        }
        let initial = scram_initial(proof)?;
        let words = "expected password response, got SASLInitialResponse";
        Some(Judged { proof: Some(initial), verdict: wrong("08P01", words.to_owned()) })
    }

    fn decided(&self, right: bool, proof: &frontend::ProofMessage) -> Verdict {
        if right {
            return Verdict::Right;
        }
        Verdict::Wrong(match proof.password() {
            Err(_) => Report::fatal("08P01", "invalid password packet size"),
            Ok([]) => Report::fatal("28P01", "empty password returned by client"),
            Ok(_) => scram::Error::WrongProof.report(&self.user),
        })
    }

    fn sasl_initial(&mut self, proof: &frontend::ProofMessage) -> Judged {
        if let Some(mechanism) = self.chosen.take() {
            return self.sasl_first(&mechanism, proof.bytes());
        }
        let initial = match proof.sasl_initial() {
            Ok(initial) => initial,
            Err(error) => {
                let verdict = wrong("08P01", error.to_string());
                return Judged { proof: Some(Proof::SaslInitial { plus: false }), verdict };
            }
        };
        let Some(response) = initial.response else {
            let plus = initial.mechanism == scram::SCRAM_SHA_256_PLUS;
            self.chosen = Some(initial.mechanism);
            let proof = Some(Proof::SaslInitial { plus });
            return Judged { proof, verdict: Verdict::AskForMore };
        };
        self.sasl_first(&initial.mechanism, response)
    }

    fn sasl_first(&mut self, mechanism: &str, response: &[u8]) -> Judged {
        self.plus = mechanism == scram::SCRAM_SHA_256_PLUS;
        let proof = Some(Proof::SaslInitial { plus: self.plus });
        let Sasl::Offered(offer) = std::mem::take(&mut self.sasl) else {
            let verdict = wrong("XX000", "SASL was not offered".to_owned());
            return Judged { proof, verdict };
        };
        let verdict = match offer.take(mechanism, response) {
            Ok(first) => {
                self.sasl = Sasl::First(first);
                Verdict::Right
            }
            Err(error) => Verdict::Wrong(error.report(&self.user)),
        };
        Judged { proof, verdict }
    }

    fn sasl_final(&mut self, proof: &frontend::ProofMessage) -> Judged {
        let exchange = match std::mem::take(&mut self.sasl) {
            Sasl::WaitingForFinal(exchange) => exchange,
            _ => {
                let verdict = wrong("XX000", "no SASL exchange".to_owned());
                // Whatever the server expects, a client that was made an offer answers that first.
                let unbound = Proof::SaslFinal { plus: self.plus, bound: false, right: false };
                let proof = scram_initial(proof).unwrap_or(unbound);
                return Judged { proof: Some(proof), verdict };
            }
        };
        let plus = exchange.is_plus();
        let (bound, right, verdict) = match exchange.finish(proof.bytes()) {
            Ok(success) => {
                self.signature = Some(success.signature);
                (success.bound, true, Verdict::Right)
            }
            Err(error) => {
                // The binding is judged before the proof.
                let bound = plus && error == scram::Error::WrongProof;
                (bound, false, Verdict::Wrong(error.report(&self.user)))
            }
        };
        Judged { proof: Some(Proof::SaslFinal { plus, bound, right }), verdict }
    }
}

/// The message as a SASLInitialResponse that chooses SCRAM, if it is one.
fn scram_initial(proof: &frontend::ProofMessage) -> Option<Proof> {
    let initial = proof.sasl_initial().ok()?;
    let plus = initial.mechanism == scram::SCRAM_SHA_256_PLUS;
    initial.mechanism.starts_with("SCRAM-").then_some(Proof::SaslInitial { plus })
}

fn wrong(code: &'static str, words: String) -> Verdict {
    Verdict::Wrong(Report::fatal(code, words))
}
