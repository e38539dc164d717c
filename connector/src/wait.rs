//! Waits with a deadline, by the runtime's clock.

use std::time::Duration;

use crate::error::Fault;

/// Waits no longer than this, where there is a limit.
pub(crate) async fn within<F: Future>(
    timeout: Option<Duration>,
    work: F,
) -> Result<F::Output, Fault> {
    match timeout {
        Some(timeout) => {
            tokio::time::timeout(timeout, work).await.map_err(|_| Fault::TimedOut(timeout))
        }
        None => Ok(work.await),
    }
}
