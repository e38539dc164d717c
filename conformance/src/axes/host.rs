//! The host, the one axis whose values are not a list.

use std::{fmt, str::FromStr};

use pgtls_mock_server::axes::UnknownValue;

/// The name that the client is told to connect to and to verify.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Host(String);

impl Host {
    /// The axis, as the command line and the results spell it.
    pub const AXIS: &'static str = "host";

    /// The name itself.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }

    /// Whether a client reaches the server under this name without being told its address.
    #[must_use]
    pub fn resolves_by_itself(&self) -> bool {
        matches!(self.0.as_str(), "localhost" | "127.0.0.1")
    }
}

impl Default for Host {
    fn default() -> Self {
        Self("localhost".to_owned())
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Host {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // A comma would end the term in a cell's id; a slash means a Unix socket to libpq.
        let fits = |c: char| c.is_ascii_graphic() && !matches!(c, ',' | '/' | '=' | '\\' | '\'');
        if !text.is_empty() && text.len() <= 253 && text.chars().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(UnknownValue {
                axis: Self::AXIS,
                given: text.to_owned(),
                known: "localhost, 127.0.0.1, any other host name".to_owned(),
            })
        }
    }
}
