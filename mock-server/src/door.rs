//! The door: where connections are accepted, and the tasks that serve them.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use pgtls_harness::{Deadline, Listener, Recorder, Wire};
use tokio::{
    sync::{oneshot, watch},
    task::{JoinError, JoinSet},
    time::Instant,
};

use crate::{
    budget::Account,
    connection::{Channel, Log, Met, OpenConnection},
    core::Core,
    history::History,
    transcript::{EntryKind, Sender},
};

/// How many connections beyond those that may be open are let in, to be told so.
const ANTEROOM: usize = 32;
/// How long the server waits before it accepts again, where that failed, at first and at most. A
/// connection that ends meanwhile ends the wait: what lacks is mostly a descriptor.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(200));
/// How long accepting must have gone well for a failure to be a new one.
const CALM: Duration = Duration::from_secs(5);

/// Accepts until told to finish, and then as long as connections are open or waiting.
pub(crate) async fn accept(
    listener: Listener,
    core: Arc<Core>,
    history: Arc<History>,
    mut finish: oneshot::Receiver<Deadline>,
) {
    let (cut, cut_seen) = watch::channel(false);
    let mut tasks = Tasks { set: JoinSet::new(), core, history, cut_seen, trouble: None };
    let deadline = loop {
        tokio::select! {
            accepted = listener.accept(), if tasks.may_accept() => tasks.accepted(accepted),
            () = tasks.pause_is_over(), if tasks.pauses() => tasks.try_again(),
            Some(ended) = tasks.set.join_next() => tasks.ended(ended),
            deadline = &mut finish => match deadline {
                Ok(deadline) => break deadline,
                // The guard is gone, and this task with it.
                Err(_) => return,
            },
        }
    };
    loop {
        let may_wait = tasks.accept_waiting(&listener);
        if tasks.set.is_empty() && !may_wait {
            return;
        }
        tokio::select! {
            accepted = listener.accept(), if tasks.may_accept() => tasks.accepted(accepted),
            () = tasks.pause_is_over(), if tasks.pauses() => tasks.try_again(),
            Some(ended) = tasks.set.join_next() => tasks.ended(ended),
            () = tokio::time::sleep_until(deadline.instant()) => break,
        }
    }
    drop(listener);
    cut.send_replace(true);
    while let Some(ended) = tasks.set.join_next().await {
        tasks.ended(ended);
    }
}

/// The tasks that serve connections; dropped, they are aborted.
struct Tasks {
    set: JoinSet<()>,
    core: Arc<Core>,
    history: Arc<History>,
    cut_seen: watch::Receiver<bool>,
    trouble: Option<Trouble>,
}

/// Accepting fails, or did a moment ago.
#[derive(Debug)]
struct Trouble {
    failures: u64,
    last: Instant,
    pause: Duration,
    /// When to try again; not yet, if there is a moment.
    next: Option<Instant>,
}

impl Trouble {
    /// It failed once more, or for the first time, which alone is told.
    fn failed(trouble: Option<Self>, error: &io::Error) -> Self {
        let now = Instant::now();
        let (failures, pause) = match trouble {
            Some(trouble) => (trouble.failures + 1, (trouble.pause * 2).min(PAUSES.1)),
            None => {
                tracing::warn!(%error, "cannot accept: clients wait at the door until it is possible");
                (1, PAUSES.0)
            }
        };
        Self { failures, last: now, pause, next: now.checked_add(pause) }
    }
}

impl Tasks {
    fn accepted(&mut self, accepted: io::Result<(Wire, SocketAddr)>) {
        match accepted {
            Ok((wire, peer)) => {
                if let Some(trouble) =
                    self.trouble.take_if(|trouble| trouble.last.elapsed() >= CALM)
                {
                    tracing::warn!(failures = trouble.failures, "accepting again");
                }
                self.spawn(wire, peer);
            }
            Err(error) => self.trouble = Some(Trouble::failed(self.trouble.take(), &error)),
        }
    }

    fn ended(&mut self, ended: Result<(), JoinError>) {
        if let Err(error) = ended {
            tracing::error!(%error, "a connection's task failed");
        }
        self.try_again();
    }

    fn try_again(&mut self) {
        if let Some(trouble) = &mut self.trouble {
            trouble.next = None;
        }
    }

    fn pauses(&self) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| trouble.next.is_some())
    }

    /// The future holds nothing of the tasks.
    fn pause_is_over(&self) -> impl Future<Output = ()> + use<> {
        let next = self.trouble.as_ref().and_then(|trouble| trouble.next);
        tokio::time::sleep_until(next.unwrap_or_else(Instant::now))
    }

    /// Takes the connections that wait to be accepted; whether some may still wait there, because
    /// accepting failed (too many open files) and is to be tried again, or there are too many.
    fn accept_waiting(&mut self, listener: &Listener) -> bool {
        while self.may_accept() {
            match listener.accept_waiting() {
                Ok(Some((wire, peer))) => self.accepted(Ok((wire, peer))),
                Ok(None) => return false,
                Err(error) => self.accepted(Err(error)),
            }
        }
        self.pauses()
    }

    /// Whether a further connection is taken, or left waiting at the door.
    fn may_accept(&self) -> bool {
        let core = &self.core;
        !self.pauses()
            && self.set.len() < core.simultaneous.saturating_add(ANTEROOM)
            && core.most_connections.is_none_or(|most| self.history.accepted() < most)
    }

    fn spawn(&mut self, mut wire: Wire, peer: SocketAddr) {
        let core = Arc::clone(&self.core);
        let recorder = (core.recorded > 0).then(|| Recorder::new(core.recorded));
        if let Some(recorder) = &recorder {
            wire.record(recorder.clone());
        }
        wire.install(core.rules.iter().cloned());
        let account = || Account::new(core.budget.clone(), core.connection_memory);
        let log = Log::new(core.started, recorder, account());
        let account = account();
        let number = self.history.add(log.clone());
        let plan = core.settings().plan(number);
        let ending = Ending { history: Arc::clone(&self.history), log: log.clone(), number };
        let deadline = Deadline::after(core.deadline);
        let channel = Channel::new(wire, log, &account, core.idle, plan.answer_timeout);
        let resets = core.resets.subscribe();
        let crowded = self.set.len() >= core.simultaneous;
        let met = Met { plan, number, peer, crowded };
        let connection = OpenConnection::new(channel, core, met, account);
        self.set.spawn(serve(connection, deadline, self.cut_seen.clone(), resets, ending));
    }
}

async fn serve(
    connection: OpenConnection,
    deadline: Deadline,
    mut cut: watch::Receiver<bool>,
    mut resets: watch::Receiver<u64>,
    ending: Ending,
) {
    // Named here, it is closed before its end is told.
    let mut connection = connection;
    let log = &ending.log;
    tokio::select! {
        biased;
        ended = deadline.bound(connection.run()) => if ended.is_err() {
            log.enter(Sender::Server, false, 0, EntryKind::TimedOut);
        },
        Ok(()) = resets.changed() => connection.reset(),
        _ = cut.wait_for(|cut| *cut) => log.enter(Sender::Server, false, 0, EntryKind::Closed),
    }
}

/// Enters the end of a connection, however it comes.
struct Ending {
    history: Arc<History>,
    log: Log,
    number: u64,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.log.end();
        self.history.ended(self.number, &self.log);
    }
}
