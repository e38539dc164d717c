//! A scenario: a hostile server, and what its client is told and asked.

use std::{fmt, sync::Arc};

use pgtls_mock_server::{RuleSpec, axes::ServerAxes, script::Script};
use serde_json::Value;

use crate::{axes::Axes, runner::ServerBehaviour, shim::ColumnType};

/// A hostile server, and what its client is told and asked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scenario {
    /// What the client is told. The script stands in place of the server's axes.
    pub settings: Axes,
    /// What the client is to read beside the number.
    pub fetch: Vec<ColumnType>,
    /// What the server does.
    pub script: Script,
    /// What happens to the bytes on the wire.
    pub rules: Vec<RuleSpec>,
}

impl Scenario {
    /// All that is asked, the server's axes being those that the script comes to.
    pub(crate) fn axes(&self) -> Axes {
        Axes { server: self.script.tls_over(ServerAxes::default()), ..self.settings.clone() }
    }

    /// What the server does.
    pub(crate) fn server(&self) -> ServerBehaviour {
        ServerBehaviour {
            axes: self.axes().server,
            script: Some(Arc::new(self.script.clone())),
            rules: self.rules.clone(),
            ..ServerBehaviour::default()
        }
    }

    /// The columns of the query's answer.
    pub(super) fn columns(&self) -> Vec<ColumnType> {
        [&[ColumnType::Int4], &self.fetch[..]].concat()
    }

    /// What the client is told, as in a cell's id: what differs from the defaults.
    #[must_use]
    pub fn settings_text(&self) -> String {
        Axes { server: ServerAxes::default(), ..self.settings.clone() }.to_string()
    }

    /// All of it as one JSON value, in which nothing stands that an honest server does as well.
    pub(super) fn to_json(&self) -> Value {
        serde_json::json!({
            "settings": self.settings_text(),
            "fetch": self.fetch,
            "script": super::brief::brief(&self.script),
            "rules": self.rules,
        })
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_json().fmt(f)
    }
}
