//! What is asked of a stack, and what its server does meanwhile.

use pgtls_mock_server::{RuleSpec, axes::ServerAxes};

use crate::{axes::Axes, reference::Version};

/// What the server of a cell does, from accept to close.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct ServerBehaviour {
    /// What it answers, shows and asks for.
    pub axes: ServerAxes,
    /// What its wire does with the bytes; nothing but in fuzzing.
    pub rules: Vec<RuleSpec>,
}

impl ServerBehaviour {
    /// As the cell's own axes say, on a wire that leaves the bytes alone.
    #[must_use]
    pub fn of(axes: &Axes) -> Self {
        Self { axes: axes.server, rules: Vec::new() }
    }

    /// On a wire with these rules.
    #[must_use]
    pub fn with_rules(mut self, rules: impl IntoIterator<Item = RuleSpec>) -> Self {
        self.rules = rules.into_iter().collect();
        self
    }
}

/// What is asked of a stack.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) axes: &'a Axes,
    pub(super) server: &'a ServerBehaviour,
    pub(super) version: Version,
    /// Tells the questions of one run apart.
    pub(super) number: usize,
}
