//! Threads that do what may never come to an end.

use std::{
    io,
    sync::{Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use tokio::{sync::oneshot, time::timeout};

use super::desk::Desk;

type Job = Box<dyn FnOnce(&mut Desk) + Send>;

/// How much stack a driver has, in bytes. A stack that overflows ends the whole process, and a driver that asks
/// its server again from within an answer goes as deep as the server has it: in a debug build two megabytes
/// were too few.
const STACK: usize = 64 << 20;

/// Threads that wait for work, each at its desk. There are as many as had work at once; they end with this.
#[derive(Debug, Default)]
pub(super) struct Workers {
    idle: Mutex<Vec<mpsc::Sender<Job>>>,
}

/// Work that came to nothing.
#[derive(Debug)]
pub(super) enum Unfinished {
    /// There is no thread to be had.
    NoThread(io::Error),
    /// It did not end in time; its thread is given up, and ends with the program at the latest.
    TimedOut,
    /// It panicked.
    Panicked,
}

impl Workers {
    /// Does work on a thread, for so long at the most.
    ///
    /// # Errors
    ///
    /// If no thread is to be had, or the work did not end.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl FnOnce(&mut Desk) -> T + Send + 'static,
    ) -> Result<T, Unfinished> {
        let (done, doing) = oneshot::channel();
        let job: Job = Box::new(move |desk| {
            // Whoever asked may have given up.
            let _ = done.send(work(desk));
        });
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let worker = idle.map_or_else(spawn, Ok).map_err(Unfinished::NoThread)?;
        // A worker that is idle has not ended: nothing but its work could end it.
        worker.send(job).map_err(|_| Unfinished::Panicked)?;
        let done = timeout(limit, doing).await.map_err(|_| Unfinished::TimedOut)?;
        let done = done.map_err(|_| Unfinished::Panicked)?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
        Ok(done)
    }
}

fn spawn() -> io::Result<mpsc::Sender<Job>> {
    let (worker, jobs) = mpsc::channel::<Job>();
    thread::Builder::new().name("driver".to_owned()).stack_size(STACK).spawn(move || {
        let mut desk = Desk::default();
        jobs.iter().for_each(|job| job(&mut desk));
    })?;
    Ok(worker)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn what_does_not_end_is_given_up_and_others_go_on() {
        let workers = Workers::default();
        assert!(matches!(workers.run(LONG, |_| 1).await, Ok(1)));
        let (keep, held) = mpsc::channel::<()>();
        let stuck = workers.run(Duration::from_millis(1), move |_| held.recv().is_err()).await;
        assert!(matches!(stuck, Err(Unfinished::TimedOut)));
        assert!(matches!(workers.run(LONG, |_| 2).await, Ok(2)));
        assert!(matches!(
            workers.run(LONG, |_| panic!("on purpose")).await,
            Err::<(), _>(Unfinished::Panicked)
        ));
        assert!(matches!(workers.run(LONG, |_| 3).await, Ok(3)));
        drop(keep);
    }
}
