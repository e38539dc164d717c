//! A stack that is to run: its name, and what answers for it.

use super::driver::{Driver, SharedDriver};
use crate::shim::Launch;

/// A stack to run: its name in ids, and what answers for it, a process or a driver in this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackSpec {
    name: String,
    client: Result<Client, String>,
}

/// What answers for a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Client {
    /// Processes that are started so, and asked over the shim contract.
    Process(Launch),
    /// A driver in this process, over streams in memory.
    InProcess(SharedDriver),
}

impl StackSpec {
    /// A stack that is driven by processes over the shim contract.
    #[must_use]
    pub fn process(name: impl Into<String>, launch: Launch) -> Self {
        Self { name: name.into(), client: Ok(Client::Process(launch)) }
    }

    /// A stack that is a driver in this process. Its cells run over streams in memory, and by a clock
    /// of their own, so that silence costs no time; the rules for processes do not concern it.
    #[must_use]
    pub fn in_process(name: impl Into<String>, driver: impl Driver) -> Self {
        Self { name: name.into(), client: Ok(Client::InProcess(SharedDriver::new(driver))) }
    }

    /// A stack that cannot run here, for this reason.
    #[must_use]
    pub fn missing(name: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { name: name.into(), client: Err(reason.into()) }
    }

    /// The same under another name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The name in ids.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Why it cannot run here, if that is known.
    #[must_use]
    pub fn missing_because(&self) -> Option<&str> {
        self.client.as_ref().err().map(String::as_str)
    }

    /// Whether it is a driver in this process.
    #[must_use]
    pub const fn is_in_process(&self) -> bool {
        matches!(self.client, Ok(Client::InProcess(_)))
    }

    /// How its processes are started, if it is driven by processes.
    #[must_use]
    pub fn launch(&self) -> Option<&Launch> {
        match &self.client {
            Ok(Client::Process(launch)) => Some(launch),
            _ => None,
        }
    }

    pub(super) fn client(&self) -> &Result<Client, String> {
        &self.client
    }
}
