//! What came of one cell.

use pgtls_mock_server::trace::Trace;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{axes::NamedAxes, evidence::Evidence, observed::Observed};
use crate::{
    Cell, Texts, Written,
    judge::{Conformance, Invariant, Warning},
};

/// One cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct CellResult {
    /// The cell's id.
    pub id: String,
    /// The stack's name.
    pub stack: String,
    /// Every axis by its name, defaults included.
    pub axes: NamedAxes,
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
    pub warnings: Vec<Written<Warning>>,
    /// Why it is unsupported, or how the client died.
    pub reason: Option<String>,
}

/// What the reference says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Expected {
    /// Its trace.
    pub trace: Written<Trace>,
}

impl CellResult {
    /// A cell of which nothing is known but the question: unsupported, and by nobody's word.
    #[must_use]
    pub fn unasked(cell: &Cell, expected: Trace) -> Self {
        Self {
            id: cell.to_string(),
            stack: cell.stack.clone(),
            axes: cell.axes.clone().into(),
            expected: Expected { trace: expected.into() },
            observed: None,
            conformance: Conformance::Unsupported,
            safety: Vec::new(),
            evidence: Vec::new(),
            warnings: Vec::new(),
            reason: None,
        }
    }

    /// Whether the verdicts make a finding, the baseline aside.
    #[must_use]
    pub fn is_finding(&self) -> bool {
        self.conformance.is_finding() || !self.safety.is_empty()
    }
}

impl Texts for CellResult {
    fn texts(&mut self, each: &mut dyn FnMut(&mut String)) {
        let Self {
            id,
            stack,
            axes,
            expected: Expected { trace },
            observed,
            conformance: _,
            safety: _,
            evidence,
            warnings,
            reason,
        } = self;
        [id, stack].into_iter().for_each(&mut *each);
        axes.texts(each);
        trace.texts(each);
        observed.texts(each);
        evidence.texts(each);
        warnings.texts(each);
        reason.texts(each);
    }
}
