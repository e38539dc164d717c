//! The log of one connection: whatever happens on it is entered here, and nowhere else.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pgtls_harness::Recorder;
use tokio::time::Instant;

use crate::describe;
use crate::{
    budget::Account,
    protocol::{self, startup::Packet},
    trace::Event,
    transcript::{Connection, Entry, EntryKind, Sender, TlsFacts},
};

/// How much of what a client sends in clear is kept, in bytes.
const MAX_CLEAR: usize = 64 * 1024;
/// How many entries a connection has before only facts are entered.
const MAX_ENTRIES: usize = 10_000;
/// How many entries a connection has in all.
const MAX_FACTS: usize = 100_000;
/// How much the entries that are no facts may hold, in bytes: what is there to be read must not
/// take the room of what verdicts rest on.
const MAX_CHATTER: usize = 1 << 20;
/// How many entries a login and a query leave: room for them is made at once.
const USUAL_ENTRIES: usize = 48;
/// How much of facts, and as much of what came in clear, is kept where the account has no more to
/// give, in bytes: the first of them decide.
const RESERVED: usize = 8 * 1024;
/// What a string or a vector costs beside its bytes.
const ALLOCATION: usize = 16;

/// Enters what happens; clones enter into the same connection.
#[derive(Debug, Clone)]
pub(crate) struct Log(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    started: Instant,
    state: Mutex<State>,
    recorder: Option<Recorder>,
    account: Account,
}

#[derive(Debug)]
struct State {
    connection: Connection,
    /// What all of it holds of the account, in bytes.
    held: usize,
    /// What the entries that are no facts hold of it.
    chatter: usize,
    /// What is left for facts where the account has no more.
    reserved: usize,
    /// The same for what came in clear.
    reserved_clear: usize,
    /// What it will have been if the connection ends now.
    pending: Option<Event>,
}

impl Log {
    /// The log of a connection that is accepted now, by a server that started at `started`. What it
    /// keeps is taken from the account.
    pub(crate) fn new(started: Instant, recorder: Option<Recorder>, account: Account) -> Self {
        let connection = Connection {
            accepted: started.elapsed(),
            entries: Vec::with_capacity(USUAL_ENTRIES),
            ..Connection::default()
        };
        Self(Arc::new(Inner {
            started,
            state: Mutex::new(State {
                connection,
                held: 0,
                chatter: 0,
                reserved: RESERVED,
                reserved_clear: RESERVED,
                pending: None,
            }),
            recorder,
            account,
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

    /// The same, without a copy where nobody else enters anything any more.
    pub(crate) fn into_connection(self) -> Connection {
        match Arc::try_unwrap(self.0) {
            Ok(Inner { state, recorder, .. }) => {
                let state = state.into_inner().unwrap_or_else(PoisonError::into_inner);
                let mut connection = state.connection;
                if let Some(recorder) = recorder {
                    connection.recording = recorder.recording();
                }
                connection
            }
            Err(shared) => Self(shared).connection(),
        }
    }

    /// What it holds, in bytes; a recording, whose size is the server's choice, is not counted.
    pub(crate) fn weight(&self) -> usize {
        self.lock().held
    }

    /// Forgets, and counts, all entries that no verdict rests on; gives how many bytes that freed.
    pub(crate) fn keep_facts_alone(&self) -> usize {
        let mut state = self.lock();
        let State { connection, held, chatter, .. } = &mut *state;
        let before = connection.entries.len();
        connection.entries.retain(|entry| entry.what.is_fact());
        connection.entries.shrink_to_fit();
        connection.forgotten += (before - connection.entries.len()) as u64;
        let freed = std::mem::take(chatter);
        *held -= freed;
        drop(state);
        self.0.account.give_back(freed);
        freed
    }

    /// Looks at what was entered so far.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Connection) -> T) -> T {
        look(&self.lock().connection)
    }

    /// Changes what stands beside the entries.
    pub(crate) fn note(&self, change: impl FnOnce(&mut Connection)) {
        change(&mut self.lock().connection);
    }

    /// Enters a first packet of the client, as much of it as an honest one has.
    pub(super) fn first_packet(&self, encrypted: bool, size: usize, packet: &Packet) {
        let (what, missing) = describe::first_packet(packet);
        self.enter(Sender::Client, encrypted, size, what);
        if missing > 0 {
            self.lock().connection.forgotten += missing;
        }
    }

    pub(crate) fn enter(&self, sender: Sender, encrypted: bool, size: usize, what: EntryKind) {
        self.enter_all(sender, encrypted, std::iter::once((size, what)));
    }

    /// Enters what happens at one moment.
    pub(crate) fn enter_all(
        &self,
        sender: Sender,
        encrypted: bool,
        all: impl Iterator<Item = (usize, EntryKind)>,
    ) {
        let at = self.0.started.elapsed();
        let mut state = self.lock();
        for (size, what) in all {
            let entry = Entry { at, sender, encrypted, size, what };
            if !state.enter(entry, &self.0.account) {
                state.connection.forgotten += 1;
            }
        }
    }

    /// Enters an event of the trace, which decides whatever was pending.
    pub(crate) fn event(&self, event: Event, encrypted: bool) {
        self.lock().pending = None;
        self.enter(Sender::Server, encrypted, 0, EntryKind::Event(event));
    }

    /// From now on the connection's end is this event, until another one decides the matter.
    pub(crate) fn until_decided(&self, event: Event) {
        self.lock().pending = Some(event);
    }

    /// Keeps what the client sent in clear.
    pub(crate) fn clear_from_client(&self, bytes: &[u8]) {
        let mut state = self.lock();
        let room = MAX_CLEAR.saturating_sub(state.connection.clear_from_client.len());
        let mut kept = bytes.len().min(room);
        if !state.take(kept, false, &self.0.account) {
            kept = kept.min(state.reserved_clear);
            state.reserved_clear -= kept;
        }
        state.connection.clear_from_client.extend_from_slice(&bytes[..kept]);
        state.connection.clear_forgotten += (bytes.len() - kept) as u64;
    }

    /// Forgets the last `count` bytes of what the client sent in clear, where that is to be looked
    /// at once more.
    pub(crate) fn take_back_clear(&self, count: usize) {
        let kept = &mut self.lock().connection.clear_from_client;
        kept.truncate(kept.len().saturating_sub(count));
    }

    /// Notes what a ClientHello offered, as much of it as an honest one may offer.
    pub(crate) fn client_hello(&self, mut facts: TlsFacts) {
        let mut state = self.lock();
        state.connection.forgotten += shorten_offer(&mut facts);
        state.connection.tls = Some(facts);
    }

    /// The connection is over. Where the server's own task failed, that says nothing of the client.
    pub(crate) fn end(&self) {
        if std::thread::panicking() {
            return self.enter(Sender::Server, false, 0, EntryKind::ServerFailed);
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

impl State {
    /// Enters what there is room for; whether there was.
    fn enter(&mut self, entry: Entry, account: &Account) -> bool {
        let is_fact = entry.what.is_fact();
        let weight = size_of::<Entry>() + heap(&entry.what);
        let limit = if is_fact { MAX_FACTS } else { MAX_ENTRIES };
        let room = self.connection.entries.len() < limit
            && (is_fact || self.chatter + weight <= MAX_CHATTER);
        if !room || !self.take(weight, is_fact, account) {
            return false;
        }
        if !is_fact {
            self.chatter += weight;
        }
        self.connection.entries.push(entry);
        true
    }

    /// Takes so much from the account, or, for a fact, from what is reserved.
    fn take(&mut self, bytes: usize, is_fact: bool, account: &Account) -> bool {
        if account.take(bytes).is_ok() {
            self.held += bytes;
            return true;
        }
        let reserved = is_fact && bytes <= self.reserved;
        if reserved {
            self.reserved -= bytes;
        }
        reserved
    }
}

/// What an entry holds outside of itself, in bytes.
fn heap(what: &EntryKind) -> usize {
    let text = |text: &String| if text.is_empty() { 0 } else { text.capacity() + ALLOCATION };
    match what {
        EntryKind::Startup { parameters, .. } => parameters
            .iter()
            .map(|parameter| size_of_val(parameter) + text(&parameter.0) + text(&parameter.1))
            .sum(),
        EntryKind::Frontend { summary, .. } | EntryKind::Backend { summary, .. } => text(summary),
        EntryKind::HandshakeFailed(words)
        | EntryKind::SessionBroken(words)
        | EntryKind::Alert(words)
        | EntryKind::Query(words)
        | EntryKind::OutOfTurn(words) => text(words),
        EntryKind::Junk(bytes) => bytes.len() + ALLOCATION,
        _ => 0,
    }
}

/// How many names of an ALPN extension are told.
const MOST_PROTOCOLS: usize = 32;

/// How much of a server_name is told, in bytes: a host's name has at most 255.
const LONGEST_NAME: usize = 1000;

/// Leaves out what nobody reads of a ClientHello that was made to be long, and gives how many parts
/// of it are missing.
fn shorten_offer(facts: &mut TlsFacts) -> u64 {
    let before = facts.alpn_offered.len();
    facts.alpn_offered.truncate(MOST_PROTOCOLS);
    facts.alpn_offered.shrink_to_fit();
    let mut missing = (before - facts.alpn_offered.len()) as u64;
    missing += u64::from(facts.sni.as_mut().is_some_and(|name| protocol::cut(name, LONGEST_NAME)));
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> Log {
        Log::new(Instant::now(), None, Account::alone(64 << 20))
    }

    struct Ending(Log);

    impl Drop for Ending {
        fn drop(&mut self) {
            self.0.end();
        }
    }

    #[test]
    fn a_task_that_fails_says_so_and_decides_nothing() {
        for (fails, last) in
            [(false, EntryKind::Event(Event::AuthQuit)), (true, EntryKind::ServerFailed)]
        {
            let log = log();
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
        let log = log();
        let chatter = (0..MAX_ENTRIES + 2).map(|_| (1, EntryKind::NegotiationByte(b'N')));
        log.enter_all(Sender::Server, false, chatter);
        log.enter(Sender::Client, true, 0, EntryKind::Query("SELECT 1".to_owned()));
        let connection = log.connection();
        assert_eq!(connection.entries.len(), MAX_ENTRIES + 1);
        assert!(matches!(connection.entries[MAX_ENTRIES].what, EntryKind::Query(_)));
        assert_eq!(connection.forgotten, 2);
        log.enter_all(
            Sender::Client,
            true,
            (0..MAX_FACTS).map(|_| (0, EntryKind::Query(String::new()))),
        );
        let connection = log.connection();
        assert_eq!(connection.entries.len(), MAX_FACTS);
        assert_eq!(connection.forgotten, 2 + MAX_ENTRIES as u64 + 1);
    }
}
