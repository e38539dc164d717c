//! libpq's sslmodes for tokio-postgres, on rustls and on native-tls.
#![forbid(unsafe_code)]

mod binding;
mod cancel;
mod config;
mod connect;
mod error;
mod login;
mod names;
mod negotiation;
mod policy;
mod route;
mod session;
mod socket;
mod stream;
mod tls;

#[cfg(test)]
mod testing;

pub mod guide;

pub use cancel::CancelToken;
pub use config::{Config, SslMode};
pub use connect::{Connection, Connector};
pub use error::{Attempt, Error, Step};
pub use tls::Backend;
