//! A finding: the least scenario that breaks a client, and what it breaks.

use super::{features::plain, scenario::Scenario, shape};
use crate::{
    judge::Invariant,
    runner::{CellRun, Subject},
};

/// The least scenario that was found to break a client each time that it was tried.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Finding {
    /// The scenario.
    pub scenario: Scenario,
    /// What it breaks.
    pub broken: Vec<Invariant>,
    /// One run of it.
    pub run: CellRun,
    /// The number of the scenario that it was shrunk from.
    pub case: u64,
    /// How often it was tried to make it smaller.
    pub tries: u32,
}

impl Finding {
    /// What breaks, and what the server does, in one line.
    #[must_use]
    pub fn summary(&self) -> String {
        let ids: Vec<&str> = self.broken.iter().map(|invariant| invariant.id()).collect();
        let how = self.run.result.reason.as_deref().map(|how| format!(" ({how})"));
        format!("{}{}: {}", ids.join(", "), how.unwrap_or_default(), shape::words(&self.scenario))
    }

    /// Whether it breaks the same invariant of another stack.
    pub async fn breaks(&self, other: &Subject<'_>) -> bool {
        let scenario = &self.scenario;
        let axes = scenario.axes();
        let Some(invariant) = self.broken.first() else { return false };
        if !other.supports(&axes) {
            return false;
        }
        let run = other.try_server_to_the_end(&axes, &scenario.server(), &scenario.fetch).await;
        run.result.safety.contains(invariant)
    }

    /// What tells it from other findings.
    pub(super) fn identity(&self) -> (Vec<Invariant>, String, String) {
        let how = self.run.result.reason.as_deref().map(plain).unwrap_or_default();
        (self.broken.clone(), how, shape::shape(&self.scenario))
    }
}
