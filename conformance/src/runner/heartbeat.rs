//! The heartbeat: does this machine let the tool run? A thread that wants little, regularly, and
//! notes when it had to wait for it.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use nix::time::{ClockId, clock_gettime};

/// How often the heart beats.
const BEAT: Duration = Duration::from_millis(50);
/// How much processor time a beat takes: more than a wake-up that the scheduler favours, and more than
/// is left beside others who have all the rights (one in seventy for nice 19), yet a fiftieth of one
/// processor.
const WORK: Duration = Duration::from_millis(1);
/// Shorter waits than this are any busy machine's.
const NOTED: Duration = Duration::from_millis(100);
/// So many waits are remembered.
const REMEMBERED: usize = 256;

/// A running heartbeat; it stops when dropped.
#[derive(Debug)]
pub(super) struct Heartbeat {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    stopped: AtomicBool,
    /// When a wait ended, and how long it was.
    waits: Mutex<VecDeque<(Instant, Duration)>>,
}

impl Heartbeat {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// If there is no thread to be had.
    pub(super) fn start() -> std::io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let beating = Arc::clone(&shared);
        let thread = thread::Builder::new().name("heartbeat".to_owned()).spawn(move || {
            while !beating.stopped.load(Ordering::Relaxed) {
                beating.note(beat());
            }
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// How long the thread was ready since then and not run, short waits aside.
    pub(super) fn waited_since(&self, since: Instant) -> Duration {
        let waits = self.shared.waits.lock().unwrap_or_else(PoisonError::into_inner);
        let after = waits.iter().rev().take_while(|(ended, _)| *ended >= since);
        after.map(|(_, wait)| *wait).sum()
    }
}

impl Shared {
    fn note(&self, wait: Duration) {
        if wait < NOTED {
            return;
        }
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        if waits.len() == REMEMBERED {
            waits.pop_front();
        }
        waits.push_back((Instant::now(), wait));
    }
}

/// Sleeps and works once; how much longer that took than it should have.
fn beat() -> Duration {
    let started = Instant::now();
    thread::sleep(BEAT);
    let used = processor_time();
    while processor_time().saturating_sub(used) < WORK {
        std::hint::spin_loop();
    }
    started.elapsed().saturating_sub(BEAT + WORK)
}

/// What this thread has used; without end where the system does not tell, so that nobody waits.
fn processor_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::MAX, Duration::from)
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It panics nowhere, and ends within a beat.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_waited_since_a_time_counts() {
        let heartbeat = Heartbeat { shared: Arc::default(), thread: None };
        let before = Instant::now();
        heartbeat.shared.note(Duration::from_secs(2));
        heartbeat.shared.note(Duration::from_secs(1));
        heartbeat.shared.note(Duration::from_millis(1));
        assert_eq!(heartbeat.waited_since(before), Duration::from_secs(3));
        assert_eq!(heartbeat.waited_since(Instant::now()), Duration::ZERO);
        for _ in 0..2 * REMEMBERED {
            heartbeat.shared.note(Duration::from_millis(500));
        }
        let remembered = u32::try_from(REMEMBERED).expect("a small number");
        assert_eq!(heartbeat.waited_since(before), Duration::from_millis(500) * remembered);
    }
}
