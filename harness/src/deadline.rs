//! The deadline: a moment after which no wait goes on.

use std::{future::Future, time::Duration};

use tokio::time::Instant;

use crate::Error;

/// A moment that bounds every wait it is given, by the clock of tokio's runtime: where that is
/// paused, no wait takes long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// The deadline that is `wait` away from now.
    #[must_use]
    pub fn after(wait: Duration) -> Self {
        let now = Instant::now();
        // A wait that the clock cannot hold is as good as thirty years.
        let far = Duration::from_secs(30 * 365 * 24 * 3600);
        Self(now.checked_add(wait).unwrap_or_else(|| now + far))
    }

    /// The moment itself.
    #[must_use]
    pub const fn instant(self) -> Instant {
        self.0
    }

    /// Runs `future` to its end, or up to the deadline.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use pgtls_harness::Deadline;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let deadline = Deadline::after(Duration::from_millis(1));
    /// let error = deadline.bound(std::future::pending::<()>()).await.unwrap_err();
    /// assert!(error.is_timeout());
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [Timeout](Error::is_timeout) if the deadline comes first; the future is dropped then.
    pub async fn bound<F: Future>(self, future: F) -> Result<F::Output, Error> {
        tokio::time::timeout_at(self.0, future).await.map_err(|_| Error::timeout())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_wait_without_end_ends() {
        let deadline = Deadline::after(Duration::from_secs(3600));
        let error = deadline.bound(std::future::pending::<()>()).await.expect_err("it is pending");
        assert!(error.is_timeout() && !error.is_listen(), "{error:?}");
        assert_eq!(error.to_string(), "the deadline passed");
        assert!(deadline.instant() <= Instant::now());
    }

    #[tokio::test]
    async fn what_is_ready_passes_and_no_wait_is_too_long() {
        assert!(matches!(Deadline::after(Duration::MAX).bound(async { 1 }).await, Ok(1)));
    }
}
