//! One cell as the judge is given it.

use pgtls_mock_server::{RuleSpec, transcript::Observation};

use super::{claim::Claim, secrets::Secrets};
use crate::axes::Axes;

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
    /// What happened to the bytes on the wire.
    pub wire: &'a [RuleSpec],
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
        Self { axes, observation, claim, secrets, wire: &[] }
    }

    /// The same on a wire with these rules.
    #[must_use]
    pub const fn on_wire(mut self, wire: &'a [RuleSpec]) -> Self {
        self.wire = wire;
        self
    }
}
