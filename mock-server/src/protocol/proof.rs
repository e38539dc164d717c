//! What a client sends to prove who it is, which is never shown.

use std::fmt;

use super::{error::Error, reader::Reader};

/// A proof as it came. Its `Debug` never shows it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ProofMessage(Vec<u8>);

/// SASLInitialResponse.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SaslInitial<'a> {
    /// The mechanism that the client chose.
    pub(crate) mechanism: String,
    /// Its first message, where it sent one along.
    pub(crate) response: Option<&'a [u8]>,
}

impl ProofMessage {
    /// Whatever came, byte for byte: the body of a SASLResponse is just this.
    #[must_use]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text of a PasswordMessage.
    ///
    /// # Errors
    /// When the body is not one string and its NUL.
    pub(crate) fn password(&self) -> Result<&[u8], Error> {
        match self.0.split_last() {
            Some((0, password)) if !password.contains(&0) => Ok(password),
            _ => Err(Error::Body { message: "PasswordMessage", wanted: "one string" }),
        }
    }

    /// The parts of a SASLInitialResponse.
    ///
    /// # Errors
    /// When the body is not a name and a response or its absence.
    pub(crate) fn sasl_initial(&self) -> Result<SaslInitial<'_>, Error> {
        let mut reader = Reader::new("SASLInitialResponse", &self.0);
        let mechanism = reader.string("a mechanism")?;
        let response = reader.nullable("a response")?;
        reader.end()?;
        Ok(SaslInitial { mechanism, response })
    }
}

impl From<Vec<u8>> for ProofMessage {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for ProofMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProofMessage({} bytes)", self.0.len())
    }
}

impl fmt::Debug for SaslInitial<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaslInitial").field("mechanism", &self.mechanism).finish_non_exhaustive()
    }
}
