//! tokio-postgres over the shim contract, with the TLS library that it is built for.
#![forbid(unsafe_code)]

use pgtls_shim::locked;

#[path = "../../rust/tokio_postgres.rs"]
mod driver;

#[cfg(all(feature = "native-tls", not(feature = "rustls")))]
#[path = "native_tls.rs"]
mod tls;
#[cfg(feature = "rustls")]
#[path = "rustls.rs"]
mod tls;

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
compile_error!("build with the feature rustls or native-tls");

const LOCK: &str = include_str!("../Cargo.lock");

fn main() {
    driver::serve(locked(LOCK, "tokio-postgres"), tls::library(LOCK));
}
