//! Lines that are printed behind the command's back, so that a reader who does not read stops
//! nobody: neither the server whose traces these are nor its end.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use tokio::sync::Notify;
use tracing_subscriber::fmt::MakeWriter;

/// As much as may wait to be printed, in bytes: some ten thousand traces, more than anybody reads
/// at once, and nothing that a machine would notice.
const MOST_WAITING: usize = 1 << 20;
/// What a line costs beside its text.
const OVERHEAD: usize = 64;
/// How long the last lines may take at the end, where the reader is slow or gone.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Prints lines in their order on a thread of its own, from the first one on. What waits is bounded; what is beyond is
/// dropped and counted, and the count printed in its place.
#[derive(Clone)]
pub(super) struct Printer(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// For those who wait in a task for its failure.
    failed: Notify,
}

/// Gives a line to where it belongs, and may block.
type Write = Box<dyn FnMut(&str) -> io::Result<()> + Send>;

#[derive(Default)]
struct State {
    /// Until the thread has it.
    write: Option<Write>,
    waiting: VecDeque<Item>,
    size: usize,
    /// A line is being printed now.
    printing: bool,
    /// Printing has ended for good.
    failure: Option<io::Error>,
    ended: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Item {
    Line(String),
    Dropped(u64),
}

impl State {
    fn push(&mut self, line: String) {
        let size = line.len() + OVERHEAD;
        if self.ended {
            return;
        }
        if self.size + size <= MOST_WAITING {
            self.size += size;
            self.waiting.push_back(Item::Line(line));
        } else if let Some(Item::Dropped(count)) = self.waiting.back_mut() {
            *count += 1;
        } else {
            self.waiting.push_back(Item::Dropped(1));
        }
    }

    fn pop(&mut self) -> Option<String> {
        Some(match self.waiting.pop_front()? {
            Item::Line(line) => {
                self.size -= line.len() + OVERHEAD;
                line
            }
            Item::Dropped(1) => "… 1 line is missing here: nobody read".to_owned(),
            Item::Dropped(count) => format!("… {count} lines are missing here: nobody read"),
        })
    }
}

impl Printer {
    /// A printer that gives each line to `write`, which may block.
    pub(super) fn new(write: impl FnMut(&str) -> io::Result<()> + Send + 'static) -> Self {
        let state = State { write: Some(Box::new(write)), ..State::default() };
        Self(Arc::new(Shared { state: Mutex::new(state), ..Shared::default() }))
    }

    /// Prints a line when its time comes; never waits.
    pub(super) fn print(&self, line: impl Into<String>) {
        let mut state = self.0.lock();
        state.push(line.into());
        let write = state.write.take();
        drop(state);
        self.0.changed.notify_all();
        if let Some(write) = write {
            self.start(write);
        }
    }

    fn start(&self, mut write: Write) {
        let shared = Arc::clone(&self.0);
        let started = thread::Builder::new().name("printer".to_owned()).spawn(move || {
            while let Some(line) = shared.next() {
                if let Err(error) = write(&line) {
                    shared.fail(error);
                    return;
                }
            }
        });
        if let Err(error) = started {
            self.0.fail(error);
        }
    }

    /// Waits until lines cannot be printed any more, and says why not.
    pub(super) async fn failed(&self) -> io::Error {
        loop {
            if let Some(failure) = self.0.lock().failure.take() {
                return failure;
            }
            self.0.failed.notified().await;
        }
    }

    /// Waits for the lines that are still to be printed, and not for long.
    pub(super) fn finish(&self) {
        let deadline = Instant::now() + LAST_WORDS;
        let mut state = self.0.lock();
        while !state.ended && (state.printing || !state.waiting.is_empty()) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.0.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.ended = true;
        drop(state);
        self.0.changed.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next line, once there is one; the one before is printed by now.
    fn next(&self) -> Option<String> {
        let mut state = self.lock();
        state.printing = false;
        self.changed.notify_all();
        loop {
            if state.ended {
                return None;
            }
            if let Some(line) = state.pop() {
                state.printing = true;
                return Some(line);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn fail(&self, error: io::Error) {
        let mut state = self.lock();
        (state.failure, state.ended) = (Some(error), true);
        state.waiting.clear();
        drop(state);
        self.changed.notify_all();
        self.failed.notify_one();
    }
}

/// Log lines come as whole lines.
impl io::Write for Printer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.print(String::from_utf8_lossy(bytes).trim_end_matches('\n'));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Printer {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn lines_are_printed_in_their_order() {
        let (sender, printed) = mpsc::channel();
        let printer =
            Printer::new(move |line| sender.send(line.to_owned()).map_err(io::Error::other));
        (0..100).for_each(|number| printer.print(number.to_string()));
        printer.finish();
        let lines: Vec<String> = printed.iter().collect();
        assert_eq!(lines, (0..100).map(|number| number.to_string()).collect::<Vec<_>>());
    }

    #[test]
    fn what_nobody_reads_is_dropped_and_counted() {
        let mut state = State::default();
        let line = "x".repeat(MOST_WAITING / 4);
        (0..6).for_each(|_| state.push(line.clone()));
        assert!(state.size <= MOST_WAITING);
        assert_eq!((state.waiting.len(), state.waiting.back()), (4, Some(&Item::Dropped(3))));
        assert_eq!(state.pop().as_ref(), Some(&line));
        state.push("short".to_owned());
        let rest: Vec<String> = std::iter::from_fn(|| state.pop()).collect();
        assert_eq!(rest[2], "… 3 lines are missing here: nobody read");
        assert_eq!(rest[3], "short");
        assert_eq!(state.size, 0);
    }

    #[test]
    fn a_reader_who_does_not_read_stops_nobody() {
        let (sender, gate) = mpsc::channel::<()>();
        let printer = Printer::new(move |_| {
            // For as long as the test runs.
            let _ = gate.recv();
            Ok(())
        });
        (0..100_000).for_each(|number| printer.print(number.to_string()));
        printer.finish();
        drop(sender);
    }

    #[tokio::test]
    async fn a_failure_is_told() {
        let printer = Printer::new(|_| Err(io::ErrorKind::BrokenPipe.into()));
        printer.print("a");
        assert_eq!(printer.failed().await.kind(), io::ErrorKind::BrokenPipe);
        printer.print("b");
        printer.finish();
    }
}
