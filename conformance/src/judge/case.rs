//! One cell as the judge is given it.

use pgtls_mock_server::{RuleSpec, transcript::Observation};

use super::{claim::Claim, secrets::Secrets};
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
    /// The server did as a script of somebody's own had it, so that no answer need be a right one.
    pub scripted: bool,
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
        Self { axes, observation, claim, secrets, fetch: &[], wire: &[], scripted: false }
    }

    /// The same with columns of these types behind the number.
    #[must_use]
    pub const fn fetching(mut self, fetch: &'a [ColumnType]) -> Self {
        self.fetch = fetch;
        self
    }

    /// The same before a server that does as a script of somebody's own has it.
    #[must_use]
    pub const fn scripted(mut self, scripted: bool) -> Self {
        self.scripted = scripted;
        self
    }

    /// The same on a wire with these rules.
    #[must_use]
    pub const fn on_wire(mut self, wire: &'a [RuleSpec]) -> Self {
        self.wire = wire;
        self
    }
}
