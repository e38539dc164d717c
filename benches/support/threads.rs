//! The same work on all threads.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

/// On both sides of every ratio.
pub(crate) const THREADS: usize = 2;

/// How long doing something so often takes on all threads.
pub(crate) fn on_all_threads(count: u64, work: impl Fn() + Sync) -> Duration {
    let taken = AtomicU64::new(0);
    let begin = Instant::now();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while taken.fetch_add(1, Ordering::Relaxed) < count {
                    work();
                }
            });
        }
    });
    begin.elapsed()
}
