//! The server's side of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677), and of MD5.
//!
//! What is refused, and how, follows PostgreSQL's `auth-scram.c`. One difference: PostgreSQL
//! offers -PLUS wherever there is TLS, so there `y` over TLS is always a downgrade; here it is
//! one only if -PLUS was offered.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha2::{Digest, Sha256};

use crate::protocol::report::Report;

/// The mechanism without channel binding.
#[cfg(test)]
pub(crate) const SCRAM_SHA_256: &str = "SCRAM-SHA-256";
/// The mechanism with channel binding.
pub(crate) const SCRAM_SHA_256_PLUS: &str = "SCRAM-SHA-256-PLUS";
/// PostgreSQL's default number of iterations (`scram_iterations`).
pub(crate) const DEFAULT_ITERATIONS: u32 = 4096;

/// The only channel binding that PostgreSQL has.
const BINDING_TYPE: &str = "tls-server-end-point";

/// What the server offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offer {
    mechanisms: Vec<String>,
    /// The `tls-server-end-point` of the server's certificate. Where there is none (Ed25519) an
    /// offer of -PLUS stands, as PostgreSQL's does, and -PLUS cannot succeed.
    end_point: Option<Vec<u8>>,
}

/// What the server keeps of a password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Verifier {
    iterations: u32,
    stored_key: [u8; 32],
    server_key: [u8; 32],
}

/// The client's first message, taken and answered by nobody yet.
#[derive(Debug)]
#[must_use = "an exchange that is not gone through proves nothing"]
pub(crate) struct ClientFirst {
    binding: Binding,
    /// client-first-message-bare.
    bare: String,
    nonce: String,
}

/// An exchange that waits for the client's final message.
#[derive(Debug)]
#[must_use = "an exchange that is not finished proves nothing"]
pub(crate) struct WaitingForFinal {
    /// Absent where nobody can reckon one; then no proof is right.
    verifier: Option<Arc<Verifier>>,
    binding: Binding,
    /// The nonce of the server's first message: honestly, the client's and the server's.
    nonce: String,
    /// client-first-message-bare, comma, server-first-message, comma.
    transcript: String,
}

/// The channel binding that the client's final message has to repeat.
#[derive(Debug)]
enum Binding {
    /// Its own word that there is none: the GS2 header.
    None(GsHeader),
    /// That of the channel, where the certificate has one.
    EndPoint(Option<Vec<u8>>),
}

/// A GS2 header without channel binding.
#[derive(Debug, Clone, Copy)]
enum GsHeader {
    /// `n,,`: the client can not.
    Unable,
    /// `y,,`: the client can, and thinks that the server can not.
    Unoffered,
}

/// A proof that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Success {
    /// The server's signature, in base64: what its final message tells behind `v=`.
    pub(crate) signature: String,
    /// Whether it was bound to the channel.
    pub(crate) bound: bool,
}

/// Why an exchange failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// The client chose a mechanism that was not offered.
    #[error("wanted an offered SASL mechanism, got `{0}`")]
    Mechanism(String),
    /// A message is not what it should be.
    #[error("malformed SCRAM message: {0}")]
    Malformed(&'static str),
    /// The client's GS2 flag says that -PLUS was not offered, and it was.
    #[error("the client thinks that channel binding was not offered, and it was")]
    Downgrade,
    /// A channel binding of a type that PostgreSQL does not have.
    #[error("wanted channel binding {BINDING_TYPE}, got `{0}`")]
    BindingType(String),
    /// The client's channel binding is not this channel's.
    #[error("the channel binding is not this channel's")]
    WrongBinding,
    /// -PLUS was chosen, and the certificate's signature names no hash.
    #[error("no hash to bind to: the server certificate's signature names none")]
    NoHash,
    /// The message asks for something that PostgreSQL does not do.
    #[error("not supported: {0}")]
    Unsupported(&'static str),
    /// The nonce of the client's final message is not the one agreed on.
    #[error("the nonce is not the one agreed on")]
    WrongNonce,
    /// The proof does not fit the password.
    #[error("the proof does not fit the password")]
    WrongProof,
}

impl Offer {
    /// These mechanisms, in a channel with this `tls-server-end-point`.
    pub(crate) const fn new(mechanisms: Vec<String>, end_point: Option<Vec<u8>>) -> Self {
        Self { mechanisms, end_point }
    }

    fn has_plus(&self) -> bool {
        self.mechanisms.iter().any(|mechanism| mechanism == SCRAM_SHA_256_PLUS)
    }

    /// Takes the client's first message.
    ///
    /// A SASLInitialResponse may come without one: then send an empty AuthenticationSASLContinue
    /// and call this with the SASLResponse.
    ///
    /// # Errors
    /// As PostgreSQL fails.
    pub(crate) fn take(self, mechanism: &str, message: &[u8]) -> Result<ClientFirst, Error> {
        if !self.mechanisms.iter().any(|offered| offered == mechanism) {
            return Err(Error::Mechanism(mechanism.to_owned()));
        }
        let message = text(message)?;
        let (flag, rest) = message.split_once(',').ok_or(Error::Malformed("no GS2 flag"))?;
        let (identity, bare) = rest.split_once(',').ok_or(Error::Malformed("no GS2 header"))?;
        let binding = binding(flag, mechanism == SCRAM_SHA_256_PLUS, self)?;
        match identity {
            "" => {}
            other if other.starts_with("a=") => {
                return Err(Error::Unsupported("an authorization identity"));
            }
            _ => return Err(Error::Malformed("a GS2 header with an unknown attribute")),
        }
        if bare.starts_with("m=") {
            return Err(Error::Unsupported("a SCRAM extension"));
        }
        let mut attributes = bare.split(',');
        // The user's name counts for nothing: StartupMessage has said it.
        attribute(attributes.next(), "n=", "no user name")?;
        let nonce = attribute(attributes.next(), "r=", "no nonce")?;
        if nonce.is_empty() || !nonce.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::Malformed("a nonce that is empty or not printable"));
        }
        Ok(ClientFirst { binding, bare: bare.to_owned(), nonce: nonce.to_owned() })
    }
}

impl Verifier {
    /// Salts and stretches a password: `iterations` hashes, so make it once and keep it.
    /// Prepared by SASLprep, or taken raw where that refuses it, as PostgreSQL does.
    #[must_use]
    pub(crate) fn new(password: &str, salt: &[u8], iterations: u32) -> Self {
        let prepared = stringprep::saslprep(password).unwrap_or(password.into());
        let salted: [u8; 32] =
            pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(prepared.as_bytes(), salt, iterations);
        Self {
            iterations,
            stored_key: Sha256::digest(hmac(&salted, "Client Key")).into(),
            server_key: hmac(&salted, "Server Key"),
        }
    }

    fn fits(&self, proof: [u8; 32], auth_message: &str) -> bool {
        let signature = hmac(&self.stored_key, auth_message);
        let client_key: Vec<u8> = proof.iter().zip(signature).map(|(a, b)| a ^ b).collect();
        Sha256::digest(client_key).as_slice() == self.stored_key
    }
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

impl ClientFirst {
    /// The client's nonce.
    pub(crate) fn nonce(&self) -> &str {
        &self.nonce
    }

    /// The server's first message, whatever it holds, was sent.
    pub(crate) fn answered(
        self,
        server_first: &str,
        verifier: Option<Arc<Verifier>>,
    ) -> WaitingForFinal {
        let nonce = server_first.split(',').find_map(|attribute| attribute.strip_prefix("r="));
        WaitingForFinal {
            verifier,
            binding: self.binding,
            nonce: nonce.unwrap_or_default().to_owned(),
            transcript: format!("{},{server_first},", self.bare),
        }
    }
}

/// How many iterations a server's first message announces.
pub(crate) fn iterations(server_first: &str) -> Option<u32> {
    server_first.split(',').find_map(|attribute| attribute.strip_prefix("i=")?.parse().ok())
}

impl WaitingForFinal {
    /// Whether the client chose SCRAM-SHA-256-PLUS.
    #[must_use]
    pub(crate) const fn is_plus(&self) -> bool {
        matches!(self.binding, Binding::EndPoint(_))
    }

    /// Takes the client's final message.
    ///
    /// # Errors
    /// As PostgreSQL fails.
    pub(crate) fn finish(self, message: &[u8]) -> Result<Success, Error> {
        let message = text(message)?;
        let (without_proof, proof) =
            message.rsplit_once(",p=").ok_or(Error::Malformed("no proof at the end"))?;
        let mut attributes = without_proof.split(',');
        let bound = attribute(attributes.next(), "c=", "no channel binding")?;
        let nonce = attribute(attributes.next(), "r=", "no nonce")?;
        self.check_binding(bound)?;
        if nonce != self.nonce {
            return Err(Error::WrongNonce);
        }
        let proof = STANDARD.decode(proof).ok().and_then(|proof| proof.try_into().ok());
        let proof = proof.ok_or(Error::Malformed("a proof that is not 32 bytes in base64"))?;
        let auth_message = self.transcript + without_proof;
        let verifier = self.verifier.filter(|verifier| verifier.fits(proof, &auth_message));
        let verifier = verifier.ok_or(Error::WrongProof)?;
        Ok(Success {
            signature: STANDARD.encode(hmac(&verifier.server_key, &auth_message)),
            bound: matches!(self.binding, Binding::EndPoint(_)),
        })
    }

    fn check_binding(&self, given: &str) -> Result<(), Error> {
        match &self.binding {
            // The base64 of `n,,` and of `y,,`.
            Binding::None(GsHeader::Unable) if given == "biws" => Ok(()),
            Binding::None(GsHeader::Unoffered) if given == "eSws" => Ok(()),
            Binding::None(_) => Err(Error::Malformed("a GS2 header other than the first")),
            Binding::EndPoint(None) => Err(Error::NoHash),
            Binding::EndPoint(Some(end_point)) => {
                let mut input = format!("p={BINDING_TYPE},,").into_bytes();
                input.extend(end_point);
                if given == STANDARD.encode(input) { Ok(()) } else { Err(Error::WrongBinding) }
            }
        }
    }
}

impl Error {
    /// What PostgreSQL tells the client. It ends the connection.
    #[must_use]
    pub(crate) fn report(&self, user: &str) -> Report {
        const PROTOCOL_VIOLATION: &str = "08P01";
        const FEATURE_NOT_SUPPORTED: &str = "0A000";
        const INVALID_AUTHORIZATION: &str = "28000";
        const INVALID_PASSWORD: &str = "28P01";
        const INTERNAL_ERROR: &str = "XX000";
        match self {
            Self::Mechanism(_) => Report::fatal(
                PROTOCOL_VIOLATION,
                "client selected an invalid SASL authentication mechanism",
            ),
            Self::Malformed(detail) => {
                Report::fatal(PROTOCOL_VIOLATION, "malformed SCRAM message").with_detail(*detail)
            }
            Self::Downgrade => {
                Report::fatal(INVALID_AUTHORIZATION, "SCRAM channel binding negotiation error")
                    .with_detail(
                        "The client supports SCRAM channel binding but thinks the server does \
                         not. However, this server does support channel binding.",
                    )
            }
            Self::BindingType(given) => Report::fatal(
                PROTOCOL_VIOLATION,
                format!("unsupported SCRAM channel-binding type \"{given}\""),
            ),
            Self::WrongBinding => {
                Report::fatal(INVALID_AUTHORIZATION, "SCRAM channel binding check failed")
            }
            Self::NoHash => Report::fatal(INTERNAL_ERROR, "could not find digest for NID UNDEF"),
            Self::Unsupported(what) => Report::fatal(
                FEATURE_NOT_SUPPORTED,
                format!("client requires {what}, but it is not supported"),
            ),
            Self::WrongNonce => Report::fatal(PROTOCOL_VIOLATION, "invalid SCRAM response")
                .with_detail("Nonce does not match."),
            Self::WrongProof => Report::fatal(
                INVALID_PASSWORD,
                format!("password authentication failed for user \"{user}\""),
            ),
        }
    }
}

/// The text of the PasswordMessage that answers AuthenticationMD5Password.
#[must_use]
pub(crate) fn md5_response(user: &str, password: &str, salt: [u8; 4]) -> String {
    let inner = hex(&Md5::digest(format!("{password}{user}")));
    let mut outer = Md5::new_with_prefix(inner);
    outer.update(salt);
    format!("md5{}", hex(&outer.finalize()))
}

/// What the GS2 flag means, given what was offered and chosen.
fn binding(flag: &str, plus: bool, offer: Offer) -> Result<Binding, Error> {
    match (flag, plus, offer) {
        ("n" | "y", true, _) => Err(Error::Malformed("no channel binding, and -PLUS was chosen")),
        ("n", false, _) => Ok(Binding::None(GsHeader::Unable)),
        ("y", false, offer) if offer.has_plus() => Err(Error::Downgrade),
        ("y", false, _) => Ok(Binding::None(GsHeader::Unoffered)),
        (flag, plus, offer) => {
            let kind = flag.strip_prefix("p=").ok_or(Error::Malformed("an unknown GS2 flag"))?;
            match (plus, offer) {
                (true, offer) if kind == BINDING_TYPE && offer.has_plus() => {
                    Ok(Binding::EndPoint(offer.end_point))
                }
                (true, _) => Err(Error::BindingType(kind.to_owned())),
                (false, _) => Err(Error::Malformed("channel binding, and -PLUS was not chosen")),
            }
        }
    }
}

fn text(message: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(message).map_err(|_| Error::Malformed("bytes that are not UTF-8"))
}

fn attribute<'a>(
    given: Option<&'a str>,
    name: &str,
    missing: &'static str,
) -> Result<&'a str, Error> {
    given.and_then(|attribute| attribute.strip_prefix(name)).ok_or(Error::Malformed(missing))
}

fn hmac(key: &[u8; 32], text: &str) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
