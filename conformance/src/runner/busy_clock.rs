//! A clock that stands still while there is anything to do stands still for ever where a driver and its
//! server keep one another busy: so it goes on with the processor time that they take.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::advance};

use super::thread_usage::processor_time;

/// After so many looks the processor's clock is read, which takes longer than most of them.
const LOOKS: u32 = 16;
/// As much processor time is nothing: an honest cell takes less, and its clock need not go on.
const NOTHING: Duration = Duration::from_millis(100);

/// Lets the paused clock of this thread go on while there is always something to do. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct BusyClock(Arc<State>);

#[derive(Debug)]
struct State {
    looks: AtomicU32,
    /// Up to where the processor's time was passed on.
    passed: Mutex<Duration>,
    due: Notify,
}

impl BusyClock {
    /// A clock that starts now, on the thread that it is for.
    pub(super) fn start() -> Self {
        Self(Arc::new(State {
            looks: AtomicU32::new(0),
            passed: Mutex::new(processor_time()),
            due: Notify::new(),
        }))
    }

    /// Looks whether time is due; to be called where something is done.
    pub(super) fn look(&self) {
        let looks = self.0.looks.fetch_add(1, Ordering::Relaxed);
        if looks % LOOKS == LOOKS - 1 && !self.time_taken(false).is_zero() {
            self.0.due.notify_one();
        }
    }

    /// Passes time on as it becomes due, for ever.
    pub(super) async fn run(&self) {
        loop {
            self.0.due.notified().await;
            let taken = self.time_taken(true);
            if !taken.is_zero() {
                advance(taken).await;
            }
        }
    }

    /// What the thread has taken since time was passed on last; nothing where that is little.
    fn time_taken(&self, pass_on: bool) -> Duration {
        let now = processor_time();
        let mut passed = self.0.passed.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = now.saturating_sub(*passed);
        if taken < NOTHING {
            return Duration::ZERO;
        }
        if pass_on {
            *passed = now;
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        task::yield_now,
        time::{sleep, timeout},
    };

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_timeout_passes_though_there_is_always_something_to_do() {
        let clock = BusyClock::start();
        let busy = async {
            loop {
                clock.look();
                yield_now().await;
            }
        };
        let bounded = async { timeout(Duration::from_millis(300), busy).await };
        tokio::select! {
            ended = bounded => assert!(ended.is_err()),
            () = clock.run() => {}
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_waits_at_no_cost() {
        let clock = BusyClock::start();
        tokio::select! {
            () = sleep(Duration::from_secs(3600)) => {}
            () = clock.run() => {}
        }
    }
}
