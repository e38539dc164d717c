//! The results: what one run found, as data. The JSON that scripts rely on is this, serialized.

use std::collections::HashSet;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, Error as _},
};

use crate::{
    judge::{Broken, Conformance, Invariant},
    shim::{ClientError, Supports},
};

/// The version of the results' schema.
pub const SCHEMA: u32 = 1;

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Results {
    /// The version of this schema, 1.
    pub schema: u32,
    /// The tool and its version.
    pub tool: String,
    /// The libpq that the reference stood for.
    pub reference: String,
    /// The suite's name.
    pub suite: String,
    /// What all chance came from.
    pub seed: String,
    /// The stacks that were asked for.
    pub stacks: Vec<Stack>,
    /// The cells, in the order of stacks and of the suite.
    pub cells: Vec<CellResult>,
}

/// One stack of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stack {
    /// Its name in ids.
    pub name: String,
    /// The driver's version, as it says itself.
    pub version: Option<String>,
    /// The TLS library, as it says itself.
    pub tls: Option<String>,
    /// The major version of the libpq inside, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub libpq: Option<u16>,
    /// What can be asked of it.
    pub supports: Option<Supports>,
    /// Why it could not run.
    pub could_not_run: Option<String>,
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CellResult {
    /// The cell's id.
    pub id: String,
    /// The stack's name.
    pub stack: String,
    /// Every axis by its name, defaults included.
    pub axes: IndexMap<String, String>,
    /// What the reference says.
    pub expected: Expected,
    /// What was seen; null where the stack does not support the cell.
    pub observed: Option<Observed>,
    /// Observed against expected.
    pub conformance: Conformance,
    /// The broken invariants.
    pub safety: Vec<Invariant>,
    /// What broke each of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// Worth knowing, and no finding.
    pub warnings: Vec<String>,
    /// Why it is unsupported, or how the client died.
    pub reason: Option<String>,
}

/// What broke an invariant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// Which one.
    pub invariant: Invariant,
    /// The transcript's lines that broke it; none where the server saw nothing of it.
    pub lines: Vec<String>,
}

/// What the reference says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Expected {
    /// Its trace.
    pub trace: String,
}

/// What was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Observed {
    /// The server's trace.
    pub trace: String,
    /// Its outcome.
    pub outcome: String,
    /// What the client said went wrong.
    pub error: Option<ClientError>,
    /// The TLS session, if there was one.
    pub tls: Option<Tls>,
    /// How often the client had to wait for the server, up to the query.
    pub round_trips: u32,
    /// From the question to the answer, in microseconds.
    pub elapsed_us: u64,
}

/// A TLS session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tls {
    /// The version, such as `TLSv1.3`.
    pub version: Option<String>,
    /// The cipher suite by its IANA name.
    pub cipher: Option<String>,
    /// The ALPN protocol agreed on.
    pub alpn: Option<String>,
    /// The ClientHello's server_name.
    pub sni: Option<String>,
}

impl Evidence {
    /// What the judge found, each line with what no two runs share taken out by `scrub`.
    #[must_use]
    pub fn of(broken: &Broken, scrub: impl Fn(&str) -> String) -> Self {
        let lines = broken.lines.iter().map(|(_, line)| scrub(line)).collect();
        Self { invariant: broken.invariant, lines }
    }
}

impl CellResult {
    /// Whether the verdicts make a finding, the baseline aside.
    #[must_use]
    pub fn is_finding(&self) -> bool {
        self.conformance.is_finding() || !self.safety.is_empty()
    }
}

impl Results {
    /// Reads results.
    ///
    /// # Errors
    ///
    /// If the text is not the results' JSON, or of another schema, or a stack or a cell stands in it
    /// twice.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        let results: Self = of_schema(text, "results", SCHEMA)?;
        let stacks = results.stacks.iter().map(|stack| stack.name.as_str());
        let cells = results.cells.iter().map(|cell| cell.id.as_str());
        match first_twice(stacks).or_else(|| first_twice(cells)) {
            Some(twice) => Err(serde_json::Error::custom(format!("{twice} stands twice"))),
            None => Ok(results),
        }
    }
}

fn first_twice<'a>(mut names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut known = HashSet::new();
    names.find(|name| !known.insert(*name))
}

/// Reads what says of itself which schema it is of, and says that first where it is another: what
/// a newer one lacks or has is no mistake.
pub(crate) fn of_schema<T: DeserializeOwned>(
    text: &str,
    what: &str,
    wanted: u32,
) -> Result<T, serde_json::Error> {
    #[derive(Deserialize)]
    struct Versioned {
        schema: Option<serde_json::Value>,
    }
    let Versioned { schema } = serde_json::from_str(text)?;
    match schema {
        Some(schema) if schema == wanted => serde_json::from_str(text),
        Some(schema) => Err(serde_json::Error::custom(format!(
            "wanted {what} of schema {wanted}, got schema {schema}"
        ))),
        None => Err(serde_json::Error::custom(format!(
            "wanted {what} of schema {wanted}, got no schema"
        ))),
    }
}

#[cfg(test)]
impl Results {
    /// Results that hold these cells and say nothing else.
    pub(crate) fn of(cells: Vec<CellResult>) -> Self {
        Self {
            schema: SCHEMA,
            tool: String::new(),
            reference: String::new(),
            suite: String::new(),
            seed: String::new(),
            stacks: Vec::new(),
            cells,
        }
    }
}
