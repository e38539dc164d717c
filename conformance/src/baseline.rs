//! The baseline: findings that are known, each with its reason. An entry that no longer holds is
//! a finding itself.

use std::collections::{HashMap, HashSet};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{
    Cell, Texts,
    judge::{Conformance, Invariant},
    results::{CellResult, Results},
};

/// Known findings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Baseline(pub Vec<Entry>);

/// One known finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The cell's id.
    #[serde(deserialize_with = "id", serialize_with = "text")]
    #[schemars(with = "String")]
    pub id: Cell,
    /// The verdict that is known.
    pub conformance: Conformance,
    /// The broken invariants that are known.
    #[serde(default, deserialize_with = "in_order")]
    pub safety: Vec<Invariant>,
    /// Why it is accepted.
    #[serde(default)]
    pub reason: String,
}

/// Ids that name the same cell become the same cell: terms in their order, and no defaults.
fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cell, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|error| D::Error::custom(format!("`{text}` names no cell: {error}")))
}

fn text<S: Serializer>(cell: &Cell, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(cell)
}

/// In the order of the results, each once.
fn in_order<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Invariant>, D::Error> {
    let mut safety = Vec::deserialize(deserializer)?;
    safety.sort();
    safety.dedup();
    Ok(safety)
}

/// Something that a run should be told off for.
#[derive(Debug, Clone, PartialEq)]
pub enum Finding<'a> {
    /// A cell outside the baseline.
    Cell(&'a CellResult),
    /// A cell that the baseline knows otherwise, and what it says.
    Changed(&'a CellResult, &'a Entry),
    /// The baseline says broken, and it is not.
    Stale(&'a Entry),
}

impl Texts for Entry {
    fn texts(&mut self, each: &mut dyn FnMut(&mut String)) {
        let Self { id: Cell { stack, axes: _ }, conformance: _, safety: _, reason } = self;
        [stack, reason].into_iter().for_each(each);
    }
}

impl Entry {
    /// Whether it says that something is wrong with the cell.
    fn says_broken(&self) -> bool {
        self.conformance.is_finding() || !self.safety.is_empty()
    }
}

impl Baseline {
    /// Reads a baseline.
    ///
    /// # Errors
    ///
    /// If the text is not a baseline's JSON, an id names no cell, or two name the same.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        let baseline: Self = serde_json::from_str(text)?;
        let mut known = HashSet::new();
        match baseline.0.iter().find(|entry| !known.insert(&entry.id)) {
            Some(twice) => Err(serde_json::Error::custom(format!("{} stands twice", twice.id))),
            None => Ok(baseline),
        }
    }

    /// The findings that remain, in the cells' order, stale entries last. Entries of cells that
    /// were not run say nothing.
    #[must_use]
    pub fn findings<'a>(&'a self, results: &'a Results) -> Vec<Finding<'a>> {
        let known: HashMap<String, &Entry> =
            self.0.iter().map(|entry| (entry.id.to_string(), entry)).collect();
        let mut findings = Vec::new();
        let mut stale = Vec::new();
        for cell in &results.cells {
            match (cell.is_finding(), known.get(&cell.id)) {
                (true, Some(entry))
                    if cell.conformance == entry.conformance && cell.safety == entry.safety => {}
                (true, Some(entry)) => findings.push(Finding::Changed(cell, entry)),
                (true, None) => findings.push(Finding::Cell(cell)),
                // It never ran, so nothing is known of it.
                (false, Some(_)) if !cell.conformance.is_measured() => {}
                (false, Some(entry)) if entry.says_broken() => stale.push(Finding::Stale(entry)),
                (false, _) => {}
            }
        }
        findings.append(&mut stale);
        findings
    }
}

#[cfg(test)]
mod tests {
    use pgtls_mock_server::trace::Trace;

    use super::*;

    fn results(id: &str, conformance: Conformance, safety: &[Invariant]) -> Results {
        let cell = id.parse().expect("a cell");
        let cell = CellResult {
            conformance,
            safety: safety.to_vec(),
            ..CellResult::unasked(&cell, Trace::default())
        };
        Results::of(vec![cell])
    }

    fn baseline(id: &str, conformance: &str, safety: &str) -> Baseline {
        let entry = format!(r#"[{{"id":"{id}","conformance":"{conformance}","safety":{safety}}}]"#);
        Baseline::from_json(&entry).expect("a baseline")
    }

    #[test]
    fn a_cell_is_known_however_it_is_written() {
        let leaks = [Invariant::PlaintextPassword, Invariant::PlaintextStartup];
        let found = results("a:reply=refuse,sslmode=require", Conformance::Weaker, &leaks);
        let known = baseline(
            "a:sslmode=require,reply=refuse,certificate=valid",
            "weaker",
            r#"["plaintext-startup","plaintext-password"]"#,
        );
        assert_eq!(known.findings(&found), []);
        let other = baseline("a:reply=refuse,sslmode=require", "weaker", "[]");
        assert_eq!(other.findings(&found), [Finding::Changed(&found.cells[0], &other.0[0])]);
    }

    #[test]
    fn an_entry_is_stale_if_it_says_broken() {
        let agrees = results("a:default", Conformance::Agrees, &[]);
        assert_eq!(baseline("a:default", "agrees", "[]").findings(&agrees), []);
        for stale in [
            baseline("a:default", "weaker", "[]"),
            baseline("a:default", "agrees", r#"["dishonest"]"#),
        ] {
            assert_eq!(stale.findings(&agrees), [Finding::Stale(&stale.0[0])]);
            let unasked = results("a:default", Conformance::Unsupported, &[]);
            assert_eq!(stale.findings(&unasked), []);
        }
    }

    #[test]
    fn a_cell_stands_once_and_is_one() {
        let entry = |id: &str| format!(r#"{{"id":"{id}","conformance":"weaker"}}"#);
        for (ids, told) in [
            (
                ["a:sslmode=require", "a:sslmode=require,then=close"],
                "a:sslmode=require stands twice",
            ),
            (["a:sslmode=require", "a:sslmode=nonsense"], "`a:sslmode=nonsense` names no cell"),
        ] {
            let text = format!("[{}]", ids.map(entry).join(","));
            let error = Baseline::from_json(&text).expect_err("no baseline").to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}
