//! A question's turn: how many questions keep the processors busy at once, and that one which waits on
//! silence keeps nobody from it.

use std::{
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use pgtls_mock_server::MockServer;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// Between two looks at whether anything has passed: above the pauses of a handshake on a busy machine,
/// and a fraction of what a client waits for in vain.
const LOOKS: Duration = Duration::from_millis(25);

/// How many questions may have begun, and how many of them may keep the processors busy.
#[derive(Debug)]
pub(super) struct Turns {
    begun: Arc<Semaphore>,
    busy: Arc<Semaphore>,
}

impl Turns {
    /// Turns for so many busy questions, and so many that wait beside them.
    pub(super) fn new(busy: usize, waiting: usize) -> Self {
        Self {
            begun: Arc::new(Semaphore::new(busy + waiting)),
            busy: Arc::new(Semaphore::new(busy)),
        }
    }

    /// The next turn, in the order in which questions ask for one.
    pub(super) async fn next(&self) -> Turn {
        // Nobody closes either.
        let begun = Arc::clone(&self.begun).acquire_owned().await.ok();
        let busy = Arc::clone(&self.busy).acquire_owned().await.ok();
        Turn { begun: Mutex::new(begun), busy: Mutex::new(busy) }
    }
}

/// Of one question, from its beginning to its answer, or its end.
#[derive(Debug)]
pub(super) struct Turn {
    begun: Mutex<Option<OwnedSemaphorePermit>>,
    busy: Mutex<Option<OwnedSemaphorePermit>>,
}

impl Turn {
    /// Waits for what its client answers, and lets another question begin as soon as nothing passes
    /// between the client and its server any more.
    pub(super) async fn wait<T>(&self, server: &MockServer, answer: impl Future<Output = T>) -> T {
        let mut answer = pin!(answer);
        let mut passed = None;
        loop {
            if let Ok(answer) = timeout(LOOKS, &mut answer).await {
                return answer;
            }
            let before = passed.replace(traffic(server));
            if before == passed {
                self.give_way();
                return answer.await;
            }
        }
    }

    /// Lets another question begin, whatever is still to come of this one.
    pub(super) fn give_way(&self) {
        drop(self.busy.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Ends it: the question has its answer.
    pub(super) fn end(&self) {
        self.give_way();
        drop(self.begun.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

/// How much has passed, in a number that changes with it.
fn traffic(server: &MockServer) -> u64 {
    let seen = server.observation();
    let entries: usize = seen.connections.iter().map(|connection| connection.entries.len()).sum();
    let forgotten: u64 = seen.connections.iter().map(|connection| connection.forgotten).sum();
    entries as u64 + forgotten
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_waits_on_silence_lets_another_begin() {
        let server = MockServer::builder().start_in_memory().await.expect("a server");
        let turns = Turns::new(1, 1);
        let turn = turns.next().await;
        assert!(timeout(LOOKS, turns.next()).await.is_err());
        let silent = turn.wait(&server, std::future::pending::<()>());
        assert!(timeout(4 * LOOKS, silent).await.is_err());
        let other = turns.next().await;
        // Two have begun, and no more may.
        other.wait(&server, async {}).await;
        assert!(timeout(LOOKS, turns.next()).await.is_err());
        drop(turn);
        assert!(timeout(LOOKS, turns.next()).await.is_err(), "the other one is busy");
        drop(other);
        turns.next().await;
    }
}
