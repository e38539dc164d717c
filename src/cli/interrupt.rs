//! Ctrl-C and SIGTERM.

use pgtls_conformance::runner::Interrupt;
use tokio::signal::unix::{SignalKind, signal};

/// Waits for SIGINT or SIGTERM; forever, where signals cannot be had.
pub(super) async fn interrupted() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

/// An interrupt that these signals trigger.
pub(super) fn on_signal() -> Interrupt {
    let interrupt = Interrupt::default();
    let triggered = interrupt.clone();
    tokio::spawn(async move {
        interrupted().await;
        triggered.trigger();
    });
    interrupt
}
