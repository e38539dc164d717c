//! Work of a driver in this process: on a thread of its own, by a clock that stands still while there
//! is anything to do.

use std::{io, time::Duration};

use super::{
    desk::{Desk, NotDone},
    panics::Panics,
    thread_usage::measured,
    workers::{Unfinished, Workers},
};
use crate::judge::Usage;

/// How long work may really take, whatever its own clock says: for a driver that spins. Chosen as some
/// hundred times what the slowest cell takes, so that a busy machine does not come near it.
const REAL_DEADLINE: Duration = Duration::from_secs(30);

/// Work that came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lost {
    /// There is no thread or runtime to be had.
    #[error("could not start a thread: {0}")]
    NoThread(#[from] io::Error),
    /// It goes on and on.
    #[error("still busy after {0:?}")]
    Busy(Duration),
    /// It panicked, with these words.
    #[error("{0}")]
    Panicked(String),
}

/// Does work by a clock that goes on only while all of it waits; it is given the panics of its own
/// threads. What is left of it afterwards is dropped. Behind it, on the same thread, `then` is given what
/// came of it and what it took.
///
/// # Errors
///
/// If there is no thread to be had, or the work did not end.
pub(super) async fn run<T, F, U>(
    workers: &Workers,
    work: impl FnOnce(Panics) -> F + Send + 'static,
    then: impl FnOnce(T, Usage) -> U + Send + 'static,
) -> Result<U, Lost>
where
    F: Future<Output = T>,
    U: Send + 'static,
{
    let whole = move |desk: &mut Desk| {
        let (done, usage) = measured(|| desk.run(work));
        done.map(|done| then(done, usage))
    };
    let done = workers.run(REAL_DEADLINE, whole).await;
    let done = done.map_err(|unfinished| match unfinished {
        Unfinished::NoThread(error) => Lost::NoThread(error),
        Unfinished::TimedOut => Lost::Busy(REAL_DEADLINE),
        Unfinished::Panicked => Lost::Panicked(String::new()),
    })?;
    done.map_err(|not_done| match not_done {
        NotDone::NoRuntime(error) => Lost::NoThread(error),
        NotDone::Panicked(words) => Lost::Panicked(words),
    })
}
