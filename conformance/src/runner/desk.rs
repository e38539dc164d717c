//! What a thread for drivers has before it: a runtime whose clock stands still while there is anything
//! to do. It serves one question after another for as long as each leaves it as it was.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use tokio::{
    runtime::{Builder, Handle, Runtime},
    task::yield_now,
    time::sleep,
};

use super::panics::Panics;

/// How often what a question has left behind gets a turn to come to its end: a task that is woken by
/// another's end has done so after two.
const TURNS: usize = 8;
/// The clock does not come so far before every blocking call that was begun has ended.
const SETTLED: Duration = Duration::from_millis(1);

/// A thread's runtime, once it was needed.
#[derive(Debug, Default)]
pub(super) struct Desk(Option<Kept>);

#[derive(Debug)]
struct Kept {
    runtime: Runtime,
    panics: Panics,
}

/// Work that has no result.
#[derive(Debug)]
pub(super) enum NotDone {
    /// There is no runtime to be had.
    NoRuntime(io::Error),
    /// It panicked, with these words.
    Panicked(String),
}

impl Desk {
    /// Does work by a clock that goes on only while all of it waits; the work is given the panics of its
    /// own threads. What is left of it afterwards is dropped.
    ///
    /// # Errors
    ///
    /// If there is no runtime to be had, or the work itself panicked.
    pub(super) fn run<T, F>(&mut self, work: impl FnOnce(Panics) -> F) -> Result<T, NotDone>
    where
        F: Future<Output = T>,
    {
        let kept = self.0.take().map_or_else(Kept::new, Ok).map_err(NotDone::NoRuntime)?;
        kept.panics.forget();
        let panics = kept.panics.clone();
        let whole = async { (work(panics).await, is_left_clean().await) };
        let done = catch_unwind(AssertUnwindSafe(|| kept.runtime.block_on(whole)));
        match done {
            Ok((done, true)) => {
                self.0 = Some(kept);
                Ok(done)
            }
            Ok((done, false)) => {
                kept.drop_in_background();
                Ok(done)
            }
            Err(_) => {
                let words = kept.panics.first().unwrap_or_default();
                kept.drop_in_background();
                Err(NotDone::Panicked(words))
            }
        }
    }
}

/// Whether nothing is left of the work: no task, and no blocking call.
async fn is_left_clean() -> bool {
    sleep(SETTLED).await;
    for _ in 0..TURNS {
        if Handle::current().metrics().num_alive_tasks() == 0 {
            return true;
        }
        yield_now().await;
    }
    false
}

impl Kept {
    /// A runtime for this thread, without sockets: a driver that opens one panics with tokio's words.
    fn new() -> io::Result<Self> {
        let panics = Panics::default();
        panics.watch_this_thread();
        let helpers = panics.clone();
        let runtime = Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .on_thread_start(move || helpers.watch_this_thread())
            .build()?;
        Ok(Self { runtime, panics })
    }

    /// Whoever still runs on one of its threads keeps nobody waiting.
    fn drop_in_background(self) {
        self.runtime.shutdown_background();
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if let Some(kept) = self.0.take() {
            kept.drop_in_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, thread::ThreadId};

    use tokio::{task::spawn_blocking, time::Instant};

    use super::*;

    fn helper(desk: &mut Desk) -> ThreadId {
        let id = || std::thread::current().id();
        desk.run(|_| async move { spawn_blocking(id).await.expect("a thread") })
            .expect("it is done")
    }

    #[test]
    fn what_leaves_nothing_behind_leaves_the_runtime_to_the_next() {
        let mut desk = Desk::default();
        let first = helper(&mut desk);
        assert_eq!(helper(&mut desk), first);
        let ends = |_| async {
            tokio::spawn(yield_now());
            sleep(Duration::from_secs(3600)).await;
        };
        desk.run(ends).expect("it is done");
        assert_eq!(helper(&mut desk), first);
        desk.run(|_| async { drop(tokio::spawn(pending::<()>())) }).expect("it is done");
        assert_ne!(helper(&mut desk), first);
    }

    #[test]
    fn a_panic_is_the_works_own_and_the_next_has_none() {
        let mut desk = Desk::default();
        let panics = |_| async { panic!("on purpose") };
        let Err(NotDone::Panicked(words)) = desk.run::<(), _>(panics) else {
            panic!("it has no result");
        };
        assert!(words.contains("desk.rs") && words.ends_with(": on purpose"), "{words}");
        let in_a_task = |panics: Panics| async move {
            let done = tokio::spawn(async { panic!("in a task") }).await;
            (done.is_err(), panics.first())
        };
        let (failed, words) = desk.run(in_a_task).expect("it is done");
        assert!(failed && words.is_some_and(|words| words.ends_with(": in a task")));
        assert_eq!(desk.run(|panics| async move { panics.first() }).expect("it is done"), None);
    }

    #[test]
    fn a_blocking_call_ends_before_the_next_question() {
        let mut desk = Desk::default();
        let (ended, end) = std::sync::mpsc::channel();
        let leaves_a_call = |_| async {
            let begun = Instant::now();
            drop(spawn_blocking(move || ended.send(())));
            begun
        };
        desk.run(leaves_a_call).expect("it is done");
        assert!(end.try_recv().is_ok());
    }
}
