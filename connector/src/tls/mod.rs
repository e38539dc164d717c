//! TLS: what a handshake is given, what it yields, and the backends that make it.
//!
//! It has two halves. What blocks (reading files, building the library's configuration) is `prepare`, for a thread of its
//! own; the handshake itself waits for nothing but the connection.

mod backend;
mod cache;
mod credentials;
mod files;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod handshake;
mod lists;
#[cfg(feature = "native-tls")]
mod native;
mod pem;
#[cfg(feature = "native-tls")]
mod pkcs8;
#[cfg(feature = "native-tls")]
mod reclaim;
#[cfg(feature = "rustls")]
mod rustls;
mod terms;
#[cfg(feature = "rustls")]
mod verify;

pub use backend::Backend;
pub(crate) use credentials::load;
pub(crate) use handshake::Secured;
pub(crate) use terms::Terms;

#[cfg(all(test, any(feature = "aws-lc-rs", feature = "ring", feature = "native-tls")))]
mod tests;
