//! The axes of a cell: the mock server's, and those of the client.

use std::{fmt, str::FromStr};

pub use pgtls_mock_server::axes::{
    Access, Auth, Certificate, Key, Names, Reply, ServerAxes, TlsVersions, UnknownValue,
};
use pgtls_mock_server::axis;

axis! {
    /// The mode that the client is told.
    "sslmode" Sslmode {
        /// TLS, else plaintext: libpq's default.
        Prefer = "prefer",
        /// Plaintext.
        Disable = "disable",
        /// Plaintext, else TLS.
        Allow = "allow",
        /// TLS.
        Require = "require",
        /// TLS, and the chain is verified.
        VerifyCa = "verify-ca",
        /// TLS, and the chain and the name are verified.
        VerifyFull = "verify-full",
        /// Left out; judged by libpq's default.
        Unset = "unset",
    }
}

axis! {
    /// Who speaks first of TLS.
    "sslnegotiation" Sslnegotiation {
        /// SSLRequest.
        Postgres = "postgres",
        /// A ClientHello at once.
        Direct = "direct",
    }
}

axis! {
    /// What the client is told to trust.
    "sslrootcert" Sslrootcert {
        /// Nothing is said.
        None = "none",
        /// The authority of the server's certificates.
        Right = "right",
        /// Another authority.
        Wrong = "wrong",
        /// A file that does not exist.
        Missing = "missing",
        /// A file that holds the very certificate the server shows.
        Server = "server",
        /// `system`, and the system store holds the right authority.
        System = "system",
        /// `system`, and the system store is empty.
        SystemEmpty = "system-empty",
    }
}

axis! {
    /// Channel binding, as the client is told.
    "channel-binding" ChannelBinding {
        /// Where it can be had: libpq's default.
        Prefer = "prefer",
        /// Never.
        Disable = "disable",
        /// Or no login.
        Require = "require",
    }
}

axis! {
    /// The client's certificate.
    "client-cert" ClientCert {
        /// None.
        None = "none",
        /// Issued by the authority that the server trusts.
        Right = "right",
        /// Issued by another authority.
        Wrong = "wrong",
    }
}

axis! {
    /// What the client does after the query.
    "then" Then {
        /// It closes the connection.
        Close = "close",
        /// It sends a cancel request by its own means, and closes.
        Cancel = "cancel",
    }
}

impl Sslmode {
    /// Every mode, from the one that the client is left with to the strictest: as a table reads from
    /// left to right.
    pub const BY_STRICTNESS: [Self; 7] = [
        Self::Unset,
        Self::Disable,
        Self::Allow,
        Self::Prefer,
        Self::Require,
        Self::VerifyCa,
        Self::VerifyFull,
    ];
}

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

/// A value for every axis.
///
/// ```
/// use pgtls_conformance::axes::Axes;
///
/// let axes: Axes = "certificate=expired,sslmode=verify-full".parse()?;
/// assert_eq!(axes.server.reply.name(), "accept");
/// assert_eq!(axes.to_string(), "certificate=expired,sslmode=verify-full");
/// # Ok::<(), pgtls_conformance::axes::AxesError>(())
/// ```
#[derive(Debug, Default, Clone, PartialEq, Eq, Hash)]
pub struct Axes {
    /// How the server behaves.
    pub server: ServerAxes,
    /// The mode.
    pub sslmode: Sslmode,
    /// Who speaks first of TLS.
    pub sslnegotiation: Sslnegotiation,
    /// What the client trusts.
    pub sslrootcert: Sslrootcert,
    /// The name connected to.
    pub host: Host,
    /// Channel binding.
    pub channel_binding: ChannelBinding,
    /// The client's certificate.
    pub client_cert: ClientCert,
    /// What follows the query.
    pub then: Then,
}

/// One axis, for those who handle them all alike.
#[derive(Debug)]
pub struct Axis {
    /// Its name on the command line (without dashes) and in the results.
    pub name: &'static str,
    /// The values it has, the default first; of a host, those that need no `hostaddr`.
    pub values: fn() -> Vec<&'static str>,
    /// Whether it belongs to the server.
    pub of_server: bool,
    get: fn(&Axes) -> &str,
    set: fn(&mut Axes, &str) -> Result<(), UnknownValue>,
}

impl Axis {
    /// The axis of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        AXES.iter().find(|axis| axis.name == name)
    }

    /// The value that a cell has on this axis.
    #[must_use]
    pub fn value<'a>(&self, axes: &'a Axes) -> &'a str {
        (self.get)(axes)
    }

    /// Whether a text is a value of this axis.
    ///
    /// # Errors
    ///
    /// If it is none.
    pub fn check(&self, value: &str) -> Result<(), UnknownValue> {
        (self.set)(&mut Axes::default(), value)
    }
}

macro_rules! entry {
    ($type:ident, $of_server:literal, $($field:ident).+) => {
        Axis {
            name: $type::AXIS,
            values: || $type::ALL.iter().map(|value| value.name()).collect(),
            of_server: $of_server,
            get: |axes| axes.$($field).+.name(),
            set: |axes, text| text.parse().map(|value| axes.$($field).+ = value),
        }
    };
}

/// Every axis, in the order of the contract's table; newer ones at the end.
pub static AXES: &[Axis] = &[
    entry!(Reply, true, server.reply),
    entry!(Certificate, true, server.certificate),
    entry!(Key, true, server.key),
    entry!(Access, true, server.access),
    entry!(Auth, true, server.auth),
    entry!(TlsVersions, true, server.tls),
    entry!(Sslmode, false, sslmode),
    entry!(Sslnegotiation, false, sslnegotiation),
    entry!(Sslrootcert, false, sslrootcert),
    Axis {
        name: Host::AXIS,
        values: || vec!["localhost", "127.0.0.1"],
        of_server: false,
        get: |axes| axes.host.name(),
        set: |axes, text| text.parse().map(|value| axes.host = value),
    },
    entry!(ChannelBinding, false, channel_binding),
    entry!(ClientCert, false, client_cert),
    entry!(Then, false, then),
];

/// Terms that make no cell.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AxesError {
    /// A term without `=`.
    #[error("wanted axis=value, got `{0}`")]
    NoTerm(String),
    /// An axis that does not exist.
    #[error("`{0}` is no axis; one of: {known}", known = AXES.iter().map(|axis| axis.name).collect::<Vec<_>>().join(", "))]
    UnknownAxis(String),
    /// The same axis twice.
    #[error("{0} is given twice")]
    Twice(&'static str),
    /// A value that the axis does not have.
    #[error(transparent)]
    UnknownValue(#[from] UnknownValue),
}

/// One term, `axis=value`, both known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Term {
    pub(crate) axis: &'static str,
    pub(crate) value: String,
}

impl FromStr for Term {
    type Err = AxesError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) =
            text.split_once('=').ok_or_else(|| AxesError::NoTerm(text.to_owned()))?;
        let name = name.trim_start_matches("--");
        let axis = Axis::named(name).ok_or_else(|| AxesError::UnknownAxis(name.to_owned()))?;
        axis.check(value)?;
        Ok(Self { axis: axis.name, value: value.to_owned() })
    }
}

impl Term {
    pub(crate) fn matches(&self, axes: &Axes) -> bool {
        Axis::named(self.axis).is_some_and(|axis| axis.value(axes) == self.value)
    }
}

impl Axes {
    /// Sets one axis by name.
    ///
    /// # Errors
    ///
    /// If there is no such axis, or it has no such value.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), AxesError> {
        let axis = Axis::named(name).ok_or_else(|| AxesError::UnknownAxis(name.to_owned()))?;
        Ok((axis.set)(self, value)?)
    }

    /// Every axis with its value, in the table's order.
    pub fn values(&self) -> impl Iterator<Item = (&'static str, &str)> {
        AXES.iter().map(|axis| (axis.name, axis.value(self)))
    }

    /// The mode that counts where none was given: libpq's default, which `sslrootcert=system`
    /// makes `verify-full` (libpq 16 and later, "SSL Support", section "Client Verification of
    /// Server Certificates").
    #[must_use]
    pub fn effective_sslmode(&self) -> Sslmode {
        match (self.sslmode, self.sslrootcert) {
            (Sslmode::Unset, Sslrootcert::System | Sslrootcert::SystemEmpty) => Sslmode::VerifyFull,
            (Sslmode::Unset, _) => Sslmode::Prefer,
            (mode, _) => mode,
        }
    }
}

/// The terms of the axes that differ from their default, or `default`.
impl fmt::Display for Axes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let default = Self::default();
        let mut differing =
            self.values().zip(default.values()).filter(|(own, other)| own != other).peekable();
        if differing.peek().is_none() {
            return f.write_str("default");
        }
        for (index, ((name, value), _)) in differing.enumerate() {
            write!(f, "{}{name}={value}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl FromStr for Axes {
    type Err = AxesError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut axes = Self::default();
        if text == "default" {
            return Ok(axes);
        }
        let mut seen = Vec::new();
        for term in text.split(',') {
            let term: Term = term.parse()?;
            if seen.contains(&term.axis) {
                return Err(AxesError::Twice(term.axis));
            }
            axes.set(term.axis, &term.value)?;
            seen.push(term.axis);
        }
        Ok(axes)
    }
}
