//! The baseline: findings that are known, each with its reason. An entry that no longer holds is
//! a finding itself.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
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
    pub id: String,
    /// The verdict that is known.
    pub conformance: Conformance,
    /// The broken invariants that are known.
    #[serde(default)]
    pub safety: Vec<Invariant>,
    /// Why it is accepted.
    #[serde(default)]
    pub reason: String,
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

impl Baseline {
    /// Reads a baseline.
    ///
    /// # Errors
    ///
    /// If the text is not a baseline's JSON.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The baseline that knows all findings of these results.
    #[must_use]
    pub fn of(results: &Results) -> Self {
        let entry = |cell: &CellResult| Entry {
            id: cell.id.clone(),
            conformance: cell.conformance,
            safety: cell.safety.clone(),
            reason: cell.reason.clone().unwrap_or_default(),
        };
        Self(results.cells.iter().filter(|cell| cell.is_finding()).map(entry).collect())
    }

    /// The findings that remain, in the cells' order, stale entries last. Entries of cells that
    /// were not run say nothing.
    #[must_use]
    pub fn findings<'a>(&'a self, results: &'a Results) -> Vec<Finding<'a>> {
        let known: HashMap<&str, &Entry> =
            self.0.iter().map(|entry| (entry.id.as_str(), entry)).collect();
        let mut findings = Vec::new();
        let mut stale = Vec::new();
        for cell in &results.cells {
            match (cell.is_finding(), known.get(cell.id.as_str())) {
                (true, Some(entry))
                    if cell.conformance == entry.conformance && cell.safety == entry.safety => {}
                (true, Some(entry)) => findings.push(Finding::Changed(cell, entry)),
                (true, None) => findings.push(Finding::Cell(cell)),
                // It never ran, so nothing is known of it.
                (false, Some(_)) if cell.conformance == Conformance::Unsupported => {}
                (false, Some(entry)) => stale.push(Finding::Stale(entry)),
                (false, None) => {}
            }
        }
        findings.append(&mut stale);
        findings
    }
}
