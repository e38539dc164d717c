//! The server's side of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, 7677), and of MD5.

use crate::protocol::backend::Report;

/// The mechanism without channel binding.
pub const SCRAM_SHA_256: &str = "SCRAM-SHA-256";
/// The mechanism with channel binding.
pub const SCRAM_SHA_256_PLUS: &str = "SCRAM-SHA-256-PLUS";
/// PostgreSQL's default number of iterations.
pub const DEFAULT_ITERATIONS: u32 = 4096;

/// What the server offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offer {
    /// SCRAM-SHA-256 alone.
    Plain,
    /// Both, with the `tls-server-end-point` of the server's certificate. Where there is none
    /// (Ed25519) the offer stands, as PostgreSQL's does, and -PLUS cannot succeed.
    PlainAndPlus(Option<Vec<u8>>),
}

/// What the server keeps of a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {}

/// An exchange that waits for the client's first message.
#[derive(Debug)]
pub struct Scram {}

/// An exchange that waits for the client's final message.
#[derive(Debug)]
pub struct WaitingForFinal {}

/// A proof that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Success {
    /// The server's final message, for AuthenticationSASLFinal.
    pub message: Vec<u8>,
    /// Whether it was bound to the channel.
    pub bound: bool,
}

/// Why an exchange failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The proof does not fit the password.
    #[error("password authentication failed")]
    WrongProof,
}

impl Offer {
    /// For AuthenticationSASL, the preferred one first.
    #[must_use]
    pub const fn mechanisms(&self) -> &'static [&'static str] {
        match self {
            Self::Plain => &[SCRAM_SHA_256],
            Self::PlainAndPlus(_) => &[SCRAM_SHA_256_PLUS, SCRAM_SHA_256],
        }
    }
}

impl Verifier {
    /// Salts and stretches a password: `iterations` hashes, so make it once and keep it.
    #[must_use]
    pub fn new(_password: &str, _salt: &[u8], _iterations: u32) -> Self {
        unimplemented!()
    }

    /// The salt.
    #[must_use]
    pub fn salt(&self) -> &[u8] {
        unimplemented!()
    }

    /// The iterations.
    #[must_use]
    pub fn iterations(&self) -> u32 {
        unimplemented!()
    }
}

impl Scram {
    /// An exchange; `nonce` is the server's part: printable ASCII without commas.
    #[must_use]
    pub fn new(_verifier: std::sync::Arc<Verifier>, _offer: Offer, _nonce: String) -> Self {
        unimplemented!()
    }

    /// Takes the client's first message, and gives the server's, for AuthenticationSASLContinue.
    ///
    /// # Errors
    /// As PostgreSQL fails.
    pub fn first(
        self,
        _mechanism: &str,
        _message: &[u8],
    ) -> Result<(WaitingForFinal, Vec<u8>), Error> {
        unimplemented!()
    }
}

impl WaitingForFinal {
    /// Whether the client chose SCRAM-SHA-256-PLUS.
    #[must_use]
    pub fn is_plus(&self) -> bool {
        unimplemented!()
    }

    /// Takes the client's final message.
    ///
    /// # Errors
    /// As PostgreSQL fails.
    pub fn finish(self, _message: &[u8]) -> Result<Success, Error> {
        unimplemented!()
    }
}

impl Error {
    /// What PostgreSQL tells the client: always fatal.
    #[must_use]
    pub fn report(&self, user: &str) -> Report {
        match self {
            Self::WrongProof => Report::fatal(
                "28P01",
                format!("password authentication failed for user \"{user}\""),
            ),
        }
    }
}

/// The text of the PasswordMessage that answers AuthenticationMD5Password.
#[must_use]
pub fn md5_response(_user: &str, _password: &str, _salt: [u8; 4]) -> String {
    unimplemented!()
}
