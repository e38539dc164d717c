//! The file of a finding, and of a scenario in a corpus: what `pgtls replay` reads.

use pgtls_mock_server::{RuleSpec, Seed, axes::ServerAxes, script::Script};
use serde::{Deserialize, Serialize, Serializer};

use super::{brief::brief, scenario::Scenario};
use crate::{axes::Axes, judge::Invariant, runner::ServerBehaviour, shim::ColumnType};

/// A scenario with the stack that it was tried on, and the invariants that broke there: none, in a corpus.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Counterexample {
    /// The version of this format, 1.
    pub schema: u32,
    /// The stack's name, or a shim's command line.
    pub stack: String,
    /// Whether `stack` is a command line.
    #[serde(default)]
    pub is_command: bool,
    /// What the client is told, as in a cell's id. Without a script the server's axes stand here too.
    pub axes: String,
    /// The types of the columns that the client reads beside the number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fetch: Vec<ColumnType>,
    /// What the server does.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "in_brief")]
    pub script: Option<Script>,
    /// What happens to the bytes on the wire.
    #[serde(default)]
    pub rules: Vec<RuleSpec>,
    /// What broke.
    pub broken: Vec<Invariant>,
    /// The seed that it came from.
    pub seed: Seed,
}

/// The version of a counterexample's format.
pub const SCHEMA: u32 = 1;

fn in_brief<S: Serializer>(script: &Option<Script>, serializer: S) -> Result<S::Ok, S::Error> {
    script.as_ref().map(brief).serialize(serializer)
}

impl Counterexample {
    /// Of a stack that has this name, and that these invariants broke in.
    #[must_use]
    pub fn new(stack: &str, scenario: &Scenario, broken: &[Invariant], seed: Seed) -> Self {
        Self {
            schema: SCHEMA,
            stack: stack.to_owned(),
            is_command: false,
            axes: scenario.settings_text(),
            fetch: scenario.fetch.clone(),
            script: Some(scenario.script.clone()),
            rules: scenario.rules.clone(),
            broken: broken.to_vec(),
            seed,
        }
    }

    /// The same of a shim that is started by `command`.
    #[must_use]
    pub fn of_command(mut self, command: &str) -> Self {
        self.stack = command.to_owned();
        self.is_command = true;
        self
    }

    /// Reads a counterexample.
    ///
    /// # Errors
    ///
    /// If the text is not a counterexample's JSON, or of another schema.
    pub fn from_json(text: &str) -> Result<Self, crate::Error> {
        crate::results::of_schema(text, "a counterexample", SCHEMA)
    }

    /// The scenario, as the fuzzer takes one; none of those from before there were scripts.
    ///
    /// # Errors
    ///
    /// If `axes` names an axis or a value that there is not.
    pub fn scenario(&self) -> Result<Option<Scenario>, crate::Error> {
        let settings = self.axes.parse()?;
        Ok(self.script.as_ref().map(|script| Scenario {
            settings,
            fetch: self.fetch.clone(),
            script: script.clone(),
            rules: self.rules.clone(),
        }))
    }

    /// What is asked, and what the server does.
    ///
    /// # Errors
    ///
    /// If `axes` names an axis or a value that there is not.
    pub fn question(&self) -> Result<(Axes, ServerBehaviour), crate::Error> {
        let axes: Axes = self.axes.parse()?;
        let Some(script) = &self.script else {
            return Ok((axes.clone(), ServerBehaviour::of(&axes).with_rules(self.rules.clone())));
        };
        let server = script.tls_over(ServerAxes::default());
        let behaviour =
            ServerBehaviour { axes: server, ..ServerBehaviour::scripted(script.clone()) };
        Ok((Axes { server, ..axes }, behaviour.with_rules(self.rules.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counterexample_survives_its_json_and_those_before_scripts_are_read() {
        let scenario = Scenario::drawn(Seed::new(3), &[], &|_| true);
        let written = Counterexample::new("s", &scenario, &[Invariant::Crash], Seed::new(3));
        let text = serde_json::to_string(&written).expect("JSON");
        assert_eq!(Counterexample::from_json(&text).expect("a counterexample"), written);
        assert_eq!(written.scenario().expect("axes"), Some(scenario));
        let old = r#"{"schema": 1, "stack": "s", "axes": "reply=stuffed,sslmode=require", "rules": [],
            "broken": ["injected-plaintext"], "seed": "0000000000000007"}"#;
        let old = Counterexample::from_json(old).expect("a counterexample");
        let (axes, server) = old.question().expect("axes");
        assert_eq!((axes.server.reply.name(), server.script), ("stuffed", None));
        assert_eq!(old.scenario().expect("axes"), None);
    }
}
