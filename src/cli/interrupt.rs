//! Ctrl-C and SIGTERM.

use std::io;

use pgtls_conformance::runner::Interrupt;
use tokio::signal::unix::{SignalKind, signal};

use super::error::CliError;

/// Listens from this call on; what it returns ends at the first SIGINT or SIGTERM, be it one
/// that came before anybody waited.
///
/// To be called before anything is started that must not be left running: until then these
/// signals end the program where it stands, and nothing is cleaned up.
pub(super) fn listen() -> Result<impl Future<Output = ()> + Send + 'static, CliError> {
    let signals = || -> io::Result<_> {
        Ok((signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?))
    };
    let (mut interrupt, mut terminate) =
        signals().map_err(|error| CliError::tool("could not listen for signals", error))?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// An interrupt that these signals trigger, from this call on.
pub(super) fn on_signal() -> Result<Interrupt, CliError> {
    let interrupted = listen()?;
    let interrupt = Interrupt::default();
    let triggered = interrupt.clone();
    tokio::spawn(async move {
        interrupted.await;
        triggered.trigger();
    });
    Ok(interrupt)
}
