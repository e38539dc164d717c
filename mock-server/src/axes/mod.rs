//! The server axes: the settings that say how the mock server behaves.

mod axis;
mod server;
mod tls;

pub use self::{
    axis::UnknownValue,
    server::ServerAxes,
    tls::{Certificate, Key, Names, TlsVersions},
};
pub use crate::script::named::{Access, Auth, Reply};
