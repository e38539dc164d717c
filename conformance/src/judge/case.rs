//! One cell as the judge is given it.

use std::time::Duration;

use pgtls_mock_server::{RuleSpec, script::Script, transcript::Observation};

use super::{claim::Claim, secrets::Secrets, usage::Usage};
use crate::{axes::Axes, shim::ColumnType};

/// One cell as the judge is given it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Case<'a> {
    /// What was asked of server and client.
    pub axes: &'a Axes,
    /// What the server saw.
    pub observation: &'a Observation,
    /// What the client said.
    pub claim: &'a Claim,
    /// What only this cell's client and server know.
    pub secrets: &'a Secrets,
    /// The columns that were asked for behind the number.
    pub fetch: &'a [ColumnType],
    /// What happened to the bytes on the wire.
    pub wire: &'a [RuleSpec],
    /// The script of somebody's own that the server did, so that no answer need be a right one.
    pub script: Option<&'a Script>,
    /// How long the client took to answer, or was waited for, since the server's start; as far as that
    /// is known.
    pub elapsed: Option<Duration>,
    /// What the question cost the client, as far as that is known.
    pub usage: Option<Usage>,
}

impl<'a> Case<'a> {
    /// A cell on a wire that passes every byte at once.
    #[must_use]
    pub const fn new(
        axes: &'a Axes,
        observation: &'a Observation,
        claim: &'a Claim,
        secrets: &'a Secrets,
    ) -> Self {
        Self {
            axes,
            observation,
            claim,
            secrets,
            fetch: &[],
            wire: &[],
            script: None,
            elapsed: None,
            usage: None,
        }
    }

    /// The same with columns of these types behind the number.
    #[must_use]
    pub const fn fetching(mut self, fetch: &'a [ColumnType]) -> Self {
        self.fetch = fetch;
        self
    }

    /// The same before a server that does as a script of somebody's own has it.
    #[must_use]
    pub const fn scripted(mut self, script: Option<&'a Script>) -> Self {
        self.script = script;
        self
    }

    /// The same of a client that took so long to answer, or was waited for so long.
    #[must_use]
    pub const fn taking(mut self, elapsed: Duration) -> Self {
        self.elapsed = Some(elapsed);
        self
    }

    /// The same of a client whom the question cost so much.
    #[must_use]
    pub const fn costing(mut self, usage: Option<Usage>) -> Self {
        self.usage = usage;
        self
    }

    /// The same on a wire with these rules.
    #[must_use]
    pub const fn on_wire(mut self, wire: &'a [RuleSpec]) -> Self {
        self.wire = wire;
        self
    }
}
