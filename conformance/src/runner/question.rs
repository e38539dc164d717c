//! What is asked of a stack, and what its server does meanwhile.

use std::sync::Arc;

use pgtls_mock_server::{RuleSpec, axes::ServerAxes, script::Script};

use crate::{
    axes::Axes,
    judge::Secrets,
    reference::Version,
    shim::{ColumnType, Connect},
};

/// What the server of a cell does, from accept to close.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct ServerBehaviour {
    /// What it answers, shows and asks for, where no script says so.
    pub axes: ServerAxes,
    /// What it does in place of its axes.
    pub script: Option<Arc<Script>>,
    /// What its wire does with the bytes; nothing but in fuzzing.
    pub rules: Vec<RuleSpec>,
    /// How many bytes of each connection are kept as they passed.
    pub recorded: usize,
}

impl ServerBehaviour {
    /// As the cell's own axes say, on a wire that leaves the bytes alone.
    #[must_use]
    pub fn of(axes: &Axes) -> Self {
        Self { axes: axes.server, ..Self::default() }
    }

    /// As this script has it.
    #[must_use]
    pub fn scripted(script: Script) -> Self {
        Self { script: Some(Arc::new(script)), ..Self::default() }
    }

    /// What it does, as a script.
    pub(super) fn to_script(&self) -> Arc<Script> {
        self.script.clone().unwrap_or_else(|| Arc::new(Script::of(&self.axes)))
    }

    /// Whether it says nothing where its client waits for an answer before any login.
    pub(super) fn falls_silent(&self) -> bool {
        self.to_script().outline(0).falls_silent()
    }

    /// On a wire with these rules.
    #[must_use]
    pub fn with_rules(mut self, rules: impl IntoIterator<Item = RuleSpec>) -> Self {
        self.rules = rules.into_iter().collect();
        self
    }

    /// Keeping so many bytes of each connection as they passed.
    #[must_use]
    pub const fn recording(mut self, bytes: usize) -> Self {
        self.recorded = bytes;
        self
    }
}

/// What is asked of a stack.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) axes: &'a Axes,
    pub(super) server: &'a ServerBehaviour,
    /// The columns that are asked for behind the number.
    pub(super) fetch: &'a [ColumnType],
    pub(super) version: Version,
    /// Tells the questions of one run apart.
    pub(super) number: usize,
}

impl Question<'_> {
    /// The connect call with the query that is asked.
    pub(super) fn put(&self, connect: Connect, secrets: &Secrets) -> Connect {
        connect.fetching(secrets.number, self.fetch)
    }
}
