//! The tool's own process without a certificate store, for clients that run in it.

use std::{env, os::unix::process::CommandExt as _, process::Command};

/// What OpenSSL takes for an empty store.
const EMPTY: &str = "/dev/null";

/// Starts the program again in place of itself, with an empty certificate store, unless that is so
/// already. OpenSSL reads the machine's store for every connector, which takes 25 ms, also where other
/// roots then stand in its place; in a shim's process it finds an empty one.
pub(super) fn without_store() {
    if env::var_os("SSL_CERT_FILE").is_some_and(|file| file == EMPTY) {
        return;
    }
    let Ok(program) = env::current_exe() else { return };
    let error = Command::new(program)
        .args(env::args_os().skip(1))
        .env("SSL_CERT_FILE", EMPTY)
        .env("SSL_CERT_DIR", EMPTY)
        .exec();
    // It is slower then, and no less right.
    tracing::warn!(%error, "the machine's certificate store is read again and again");
}
