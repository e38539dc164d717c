//! A switch that ends a run early.

use tokio::sync::watch;

/// A switch that ends a run early; clones are one switch.
#[derive(Debug, Clone)]
pub struct Interrupt(watch::Sender<bool>);

impl Default for Interrupt {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Interrupt {
    /// Ends the run: no further cell begins, those that run are given up.
    pub fn trigger(&self) {
        self.0.send_replace(true);
    }

    /// Whether it was triggered.
    #[must_use]
    pub fn is_triggered(&self) -> bool {
        *self.0.borrow()
    }

    pub(super) async fn triggered(&self) {
        let mut receiver = self.0.subscribe();
        // The sender is ours, so it cannot be gone.
        let _ = receiver.wait_for(|triggered| *triggered).await;
    }
}
