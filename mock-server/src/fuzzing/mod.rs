//! What fuzz/ runs, and a test replays: functions over a fuzzer's bytes, which panic where a property does not hold.
//!
//! No part of the interface: behind the feature `fuzzing`, and free to change.

mod backend;
mod client_hello;
mod frontend;
mod machine;
mod panics;
mod scram;
mod script;
mod server;
mod startup;
mod trace;

pub use self::{
    backend::backend_message,
    client_hello::{client_hello, tls_records},
    frontend::frontend_message,
    machine::machine,
    scram::scram,
    script::script,
    server::server,
    startup::startup_packet,
    trace::trace,
};

/// A target: its name in fuzz/, and the function.
pub type Target = (&'static str, fn(&[u8]));

/// Every target of this crate.
pub const TARGETS: &[Target] = &[
    ("backend_message", backend_message),
    ("client_hello", client_hello),
    ("frontend_message", frontend_message),
    ("machine", machine),
    ("scram", scram),
    ("script", script),
    ("server", server),
    ("startup_packet", startup_packet),
    ("tls_records", tls_records),
    ("trace", trace),
];
