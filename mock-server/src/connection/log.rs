//! The log of one connection: whatever happens on it is entered here, and nowhere else.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use pgtls_harness::Recorder;

use crate::{
    trace::Event,
    transcript::{Connection, Entry, Sender, What},
};

/// How much of what a client sends in clear is kept, in bytes.
const MAX_CLEAR: usize = 64 * 1024;
/// How many entries a connection has before only facts are entered.
const MAX_ENTRIES: usize = 10_000;
/// How many entries a connection has in all.
const MAX_FACTS: usize = 100_000;
/// How many entries a login and a query leave: room for them is made at once.
const USUAL_ENTRIES: usize = 48;

/// Enters what happens; clones enter into the same connection.
#[derive(Debug, Clone)]
pub(crate) struct Log(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    started: Instant,
    state: Mutex<State>,
    recorder: Option<Recorder>,
}

#[derive(Debug)]
struct State {
    connection: Connection,
    /// What it will have been if the connection ends now.
    pending: Option<Event>,
}

impl Log {
    /// The log of a connection that is accepted now, by a server that started at `started`.
    pub(crate) fn new(started: Instant, recorder: Option<Recorder>) -> Self {
        let connection = Connection {
            accepted: started.elapsed(),
            entries: Vec::with_capacity(USUAL_ENTRIES),
            ..Connection::default()
        };
        Self(Arc::new(Inner {
            started,
            state: Mutex::new(State { connection, pending: None }),
            recorder,
        }))
    }

    pub(crate) fn recorder(&self) -> Option<&Recorder> {
        self.0.recorder.as_ref()
    }

    /// What was entered so far.
    pub(crate) fn connection(&self) -> Connection {
        let mut connection = self.lock().connection.clone();
        if let Some(recorder) = self.recorder() {
            connection.recording = recorder.recording();
        }
        connection
    }

    /// Looks at what was entered so far.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Connection) -> T) -> T {
        look(&self.lock().connection)
    }

    /// Changes what stands beside the entries.
    pub(crate) fn note(&self, change: impl FnOnce(&mut Connection)) {
        change(&mut self.lock().connection);
    }

    pub(crate) fn enter(&self, sender: Sender, encrypted: bool, size: usize, what: What) {
        self.enter_all(sender, encrypted, std::iter::once((size, what)));
    }

    /// Enters what happens at one moment.
    pub(crate) fn enter_all(
        &self,
        sender: Sender,
        encrypted: bool,
        all: impl Iterator<Item = (usize, What)>,
    ) {
        let at = self.0.started.elapsed();
        let connection = &mut self.lock().connection;
        for (size, what) in all {
            let limit = if what.is_fact() { MAX_FACTS } else { MAX_ENTRIES };
            if connection.entries.len() < limit {
                connection.entries.push(Entry { at, sender, encrypted, size, what });
            } else {
                connection.forgotten += 1;
            }
        }
    }

    /// Enters an event of the trace, which decides whatever was pending.
    pub(crate) fn event(&self, event: Event, encrypted: bool) {
        self.lock().pending = None;
        self.enter(Sender::Server, encrypted, 0, What::Event(event));
    }

    /// From now on the connection's end is this event, until another one decides the matter.
    pub(crate) fn until_decided(&self, event: Event) {
        self.lock().pending = Some(event);
    }

    /// Keeps what the client sent in clear.
    pub(crate) fn clear_from_client(&self, bytes: &[u8]) {
        let kept = &mut self.lock().connection.clear_from_client;
        let room = MAX_CLEAR.saturating_sub(kept.len());
        kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// Forgets the last `count` bytes of what the client sent in clear, where that is to be looked
    /// at once more.
    pub(crate) fn take_back_clear(&self, count: usize) {
        let kept = &mut self.lock().connection.clear_from_client;
        kept.truncate(kept.len().saturating_sub(count));
    }

    /// The connection is over. Where the server's own task failed, that says nothing of the client.
    pub(crate) fn end(&self) {
        if std::thread::panicking() {
            return self.enter(Sender::Server, false, 0, What::ServerFailed);
        }
        let pending = self.lock().pending;
        if let Some(event) = pending {
            self.event(event, false);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Ending(Log);

    impl Drop for Ending {
        fn drop(&mut self) {
            self.0.end();
        }
    }

    #[test]
    fn a_task_that_fails_says_so_and_decides_nothing() {
        for (fails, last) in [(false, What::Event(Event::AuthQuit)), (true, What::ServerFailed)] {
            let log = Log::new(Instant::now(), None);
            log.until_decided(Event::AuthQuit);
            let ending = Ending(log.clone());
            let task = std::thread::spawn(move || {
                let _ending = ending;
                assert!(!fails, "on purpose");
            });
            assert_eq!(task.join().is_err(), fails);
            let entries = log.connection().entries;
            assert_eq!(entries.into_iter().map(|entry| entry.what).collect::<Vec<_>>(), [last]);
        }
    }

    #[test]
    fn facts_pass_the_limit_and_what_does_not_is_counted() {
        let log = Log::new(Instant::now(), None);
        let chatter = (0..MAX_ENTRIES + 2).map(|_| (1, What::NegotiationByte(b'N')));
        log.enter_all(Sender::Server, false, chatter);
        log.enter(Sender::Client, true, 0, What::Query("SELECT 1".to_owned()));
        let connection = log.connection();
        assert_eq!(connection.entries.len(), MAX_ENTRIES + 1);
        assert!(matches!(connection.entries[MAX_ENTRIES].what, What::Query(_)));
        assert_eq!(connection.forgotten, 2);
        log.enter_all(
            Sender::Client,
            true,
            (0..MAX_FACTS).map(|_| (0, What::Query(String::new()))),
        );
        let connection = log.connection();
        assert_eq!(connection.entries.len(), MAX_FACTS);
        assert_eq!(connection.forgotten, 2 + MAX_ENTRIES as u64 + 1);
    }
}
