//! What a driver in this process takes on its thread.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use crate::judge::Usage;

/// Does work on this thread, and tells what it took. Memory is known where this program's allocator counts
/// (the feature `count-allocations`); a server that works on the same thread is counted too, and takes
/// little for what it sends.
pub(super) fn measured<T>(work: impl FnOnce() -> T) -> (T, Usage) {
    let before = processor_time();
    let (done, memory) = counted(work);
    (done, Usage::new(memory, processor_time().saturating_sub(before)))
}

/// What this thread has used; nothing where the system does not tell.
pub(super) fn processor_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

#[cfg(feature = "count-allocations")]
fn counted<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let mut done = None;
    let counted = allocation_counter::measure(|| done = Some(work()));
    match done {
        Some(done) => (done, counted.bytes_max),
        None => unreachable!("what is measured is done"),
    }
}

#[cfg(not(feature = "count-allocations"))]
fn counted<T>(work: impl FnOnce() -> T) -> (T, u64) {
    (work(), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_takes_time_and_memory() {
        let (length, usage) = measured(|| vec![1_u8; 1 << 20].len());
        assert_eq!(length, 1 << 20);
        assert!(usage.memory >= 1 << 20 || cfg!(not(feature = "count-allocations")), "{usage:?}");
        let (_, usage) = measured(|| {
            let started = processor_time();
            while processor_time() - started < Duration::from_millis(20) {
                std::hint::spin_loop();
            }
        });
        assert!(usage.processor >= Duration::from_millis(20), "{usage:?}");
    }
}
