//! The certificate verifier for rustls: chains as OpenSSL verifies them for libpq, signatures always, names never.
//!
//! A chain that libpq refuses is refused here. What is refused here and not by libpq is listed in the page on
//! differences; `verify/tests/random.rs` holds the two against each other.

mod certificate;
mod chain;
mod constraints;
mod der;
mod extensions;
#[cfg(feature = "fuzzing")]
pub(super) mod fuzzing;
mod names;
mod problem;
mod revocation;
mod signature;
mod store;
mod verifier;

pub(super) use store::Store;
pub(super) use verifier::Verifier;

#[cfg(all(test, any(feature = "aws-lc-rs", feature = "ring")))]
mod tests;
