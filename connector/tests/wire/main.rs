//! What goes over the wire, connection by connection, against servers that follow scripts.

mod cancel;
mod hosts;
mod login;
mod negotiation;
mod server;
mod tls;
#[cfg(unix)]
mod unix;
