//! What a user may set, and what it means.

mod conninfo;
mod files;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod hosts;
mod keyvalue;
mod login;
mod mode;
mod parameter;
mod reader;
mod redact;
mod settings;
mod url;
mod values;

pub use conninfo::Config;
pub use mode::SslMode;
pub(crate) use settings::Settings;
pub(crate) use values::{
    Binding, Identity, ListFile, Revocation, RootSource, SessionAttrs, SystemStore, TcpOptions,
    TlsVersion,
};
