//! The axes of a cell: the mock server's, and those of the client.

mod client;
mod host;
mod settings;
mod table;
mod term;
mod text;

pub use pgtls_mock_server::axes::{
    Access, Auth, Certificate, Key, Names, Reply, ServerAxes, TlsVersions, UnknownValue,
};

pub(crate) use self::term::Term;
pub use self::{
    client::{ChannelBinding, ClientCert, Sslmode, Sslnegotiation, Sslrootcert, Then},
    host::Host,
    settings::Axes,
    table::{AXES, Axis},
};
