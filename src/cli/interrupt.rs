//! Ctrl-C, SIGTERM and SIGHUP: the first ends the work in good order, the second at once.

use std::{fs, io, process, thread};

use pgtls_conformance::runner::Interrupt;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

use super::{error::CliError, exit};

/// Listens from this call on; what it returns ends at the first SIGINT, SIGTERM or SIGHUP, be it
/// one that came before anybody waited. At the second the program ends where it stands.
///
/// To be called before anything is started that must not be left running: until then these
/// signals end the program, and nothing is cleaned up.
pub(super) fn listen() -> Result<impl Future<Output = ()> + Send + 'static, CliError> {
    let failed = |error| CliError::tool("could not listen for signals", error);
    // A thread of its own, so that they are heard whatever the command waits for.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(failed)?;
    let entered = runtime.enter();
    let mut signals = Signals::new().map_err(failed)?;
    drop(entered);
    let (sender, mut receiver) = watch::channel(false);
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            runtime.block_on(async {
                signals.next().await;
                sender.send_replace(true);
                signals.next().await;
                process::exit(exit::INTERRUPTED.into());
            });
        })
        .map_err(failed)?;
    Ok(async move {
        // The thread does not end before the program does.
        let _ = receiver.wait_for(|came| *came).await;
    })
}

/// The same for a command that waits for nothing but its own tasks, and so ends at the first
/// signal: no thread of its own listens.
pub(super) fn here() -> Result<impl Future<Output = ()>, CliError> {
    let mut signals =
        Signals::new().map_err(|error| CliError::tool("could not listen for signals", error))?;
    Ok(async move { signals.next().await })
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

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// None where the program was started to outlive its terminal, as by nohup.
    hangup: Option<Signal>,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: (!is_ignored(SignalKind::hangup()))
                .then(|| signal(SignalKind::hangup()))
                .transpose()?,
        })
    }

    async fn next(&mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hangup => {}
        }
    }
}

/// Whether the program was started with this signal ignored (proc_pid_status(5), SigIgn).
fn is_ignored(kind: SignalKind) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (kind.as_raw_value() - 1) & 1 == 1
}
