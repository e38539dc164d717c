//! A mock PostgreSQL server with TLS that can be honest, wrong or hostile, and says what it saw.

pub mod axes;
pub mod pki;
pub mod protocol;
pub mod scram;
pub mod session;
pub mod trace;
pub mod transcript;
