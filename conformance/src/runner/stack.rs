//! One stack during a run: what is known of it.

use std::time::Duration;

use super::{environment::TestEnvironment, means::Shortage, spec::Client};
use crate::{results, shim::Hello};

/// As many processes of one stack as may wait on silence: what they cost is their start, and memory.
const MOST_WAITING: usize = 64;
/// As many silent questions as are reckoned with where nobody knows how many come: among a thousand, the
/// share that a fuzzer's servers leave without an answer.
const SILENT: usize = 256;

/// A stack that was asked who it is.
#[derive(Debug)]
pub(super) struct ProbedStack {
    pub(super) name: String,
    /// What can be asked of it, or why nothing can.
    pub(super) ready: Result<Ready, Unfit>,
}

/// A stack that can be asked.
#[derive(Debug)]
pub(super) struct Ready {
    /// What it said of itself.
    pub(super) hello: Hello,
    pub(super) client: Client,
    /// How long it took to start and say so.
    pub(super) start: Duration,
}

/// Why a stack cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    /// For a reason of its own.
    #[error("{0}")]
    Own(String),
    /// For want of the tool's means, which says nothing of it.
    #[error("{0}")]
    Short(Shortage),
}

impl From<String> for Unfit {
    fn from(reason: String) -> Self {
        Self::Own(reason)
    }
}

impl ProbedStack {
    /// Whether it has cells in the results. Those of a stack that the tool could not start are told to
    /// be inconclusive.
    pub(super) fn has_cells(&self) -> bool {
        !matches!(self.ready, Err(Unfit::Own(_)))
    }

    /// Whether it waits on silence at no cost.
    pub(super) fn is_in_process(&self) -> bool {
        self.ready.as_ref().is_ok_and(|ready| matches!(ready.client, Client::InProcess(_)))
    }

    /// How many of its processes are worth having for questions that wait on silence, beside those that
    /// keep a processor busy.
    pub(super) fn worth_waiting_beside(&self) -> usize {
        let worth = self
            .ready
            .as_ref()
            .map_or(1, |ready| ready.worth_starting(SILENT, TestEnvironment::TIMEOUT));
        worth.clamp(1, MOST_WAITING)
    }

    /// The stack as the results tell it.
    pub(super) fn result(&self) -> results::Stack {
        let hello = self.ready.as_ref().ok().map(|ready| &ready.hello);
        let could_not_run = match &self.ready {
            Err(Unfit::Own(reason)) => Some(reason.clone()),
            // Its cells tell.
            Err(Unfit::Short(_)) | Ok(_) => None,
        };
        results::Stack {
            name: self.name.clone(),
            version: hello.map(|hello| hello.version.clone()),
            tls: hello.map(|hello| hello.tls.clone()),
            libpq: hello.and_then(|hello| hello.libpq),
            supports: hello.map(|hello| hello.supports.clone()),
            could_not_run,
        }
    }
}

impl Ready {
    /// With how many processes so many cells that wait so long are done soonest: more wait less, and
    /// each has to be started first.
    pub(super) fn worth_starting(&self, cells: usize, wait: Duration) -> usize {
        let cells = u32::try_from(cells).unwrap_or(u32::MAX);
        let waits = wait.as_secs_f64() * f64::from(cells);
        // The sum of `waits / n` and `start * n` is least at the root of their quotient.
        let best = (waits / self.start.as_secs_f64().max(1e-3)).sqrt();
        // A float as large as that saturates.
        best.ceil() as usize
    }
}
