//! A stack that is to run: its name, and what answers for it.

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
}

impl StackSpec {
    /// A stack that is driven by processes over the shim contract.
    #[must_use]
    pub fn process(name: impl Into<String>, launch: Launch) -> Self {
        Self { name: name.into(), client: Ok(Client::Process(launch)) }
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
