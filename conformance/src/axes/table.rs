//! The table of all axes, for those who handle them all alike.

use pgtls_mock_server::axes::{Access, Auth, Certificate, Key, Reply, TlsVersions, UnknownValue};

use super::{
    client::{ChannelBinding, ClientCert, Sslmode, Sslnegotiation, Sslrootcert, Then},
    host::Host,
    settings::Axes,
};
use crate::error::{Error, Kind};

/// One axis, for those who handle them all alike.
#[derive(Debug)]
#[non_exhaustive]
pub struct Axis {
    /// Its name on the command line (without dashes) and in the results.
    pub name: &'static str,
    /// The values it has, the default first; of a host, those that need no `hostaddr`.
    pub values: fn() -> Vec<&'static str>,
    /// Whether it belongs to the server.
    pub of_server: bool,
    get: fn(&Axes) -> &str,
    pub(super) set: fn(&mut Axes, &str) -> Result<(), UnknownValue>,
}

impl Axis {
    /// The axis of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        AXES.iter().find(|axis| axis.name == name)
    }

    /// The axis of that name.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub(super) fn known(name: &str) -> Result<&'static Self, Error> {
        Self::named(name).ok_or_else(|| {
            let known: Vec<&str> = AXES.iter().map(|axis| axis.name).collect();
            Kind::UnknownAxis { given: name.to_owned(), known: known.join(", ") }.into()
        })
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
    pub fn check(&self, value: &str) -> Result<(), Error> {
        Ok((self.set)(&mut Axes::default(), value)?)
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
