//! A cell of which only the question is known, and what becomes of it without an answer.

use pgtls_mock_server::{
    trace::{Outcome, Trace},
    transcript::Observation,
};

use super::{cell_run::CellRun, means::Shortage, question::Question};
use crate::{
    Cell,
    axes::Axes,
    judge::{Conformance, Invariant},
    reference,
    results::{CellResult, Evidence, Observed},
};

/// A cell of which only the question is known.
#[derive(Debug, Clone)]
pub(super) struct Blank<'a> {
    pub(super) stack: &'a str,
    pub(super) axes: &'a Axes,
    pub(super) expected: Trace,
}

impl<'a> Blank<'a> {
    /// The cell of this stack and question.
    pub(super) fn of(stack: &'a str, question: Question<'a>) -> Self {
        let expected = reference::predict(question.axes, question.version);
        Self { stack, axes: question.axes, expected }
    }

    pub(super) fn id(&self) -> String {
        self.cell().to_string()
    }

    fn cell(&self) -> Cell {
        Cell { stack: self.stack.to_owned(), axes: self.axes.clone() }
    }

    pub(super) fn result(&self) -> CellResult {
        CellResult::unasked(&self.cell(), self.expected.clone())
    }

    pub(super) fn unsupported(&self, reason: String) -> CellRun {
        CellRun {
            result: CellResult { reason: Some(reason), ..self.result() },
            observation: Observation::default(),
        }
    }

    /// The tool could not measure it.
    pub(super) fn inconclusive(&self, shortage: &Shortage) -> CellRun {
        let mut run = self.unsupported(shortage.to_string());
        run.result.conformance = Conformance::Inconclusive;
        run
    }

    /// Its client is not to be had any more, nor what its server saw.
    pub(super) fn hung(&self, reason: String) -> CellRun {
        let mut run = self.crashed(reason);
        run.result.conformance = Conformance::Hang;
        run.result.safety = vec![Invariant::Hang];
        run.result.evidence = vec![Evidence { invariant: Invariant::Hang, lines: Vec::new() }];
        if let Some(observed) = &mut run.result.observed {
            observed.ends_as(Outcome::Hang);
        }
        run
    }

    /// No process was to be had for it.
    pub(super) fn crashed(&self, reason: String) -> CellRun {
        let mut run = self.unsupported(reason);
        run.result.observed = Some(Observed::of(Trace::default()));
        amend(&mut run.result, None);
        run
    }
}

/// Turns a result into a crash, by what the client's process did behind its back.
pub(super) fn amend(result: &mut CellResult, how: Option<String>) {
    result.conformance = Conformance::Crash;
    if !result.safety.contains(&Invariant::Crash) {
        result.safety.push(Invariant::Crash);
        result.safety.sort();
        // Nothing that the server saw shows it.
        result.evidence.push(Evidence { invariant: Invariant::Crash, lines: Vec::new() });
        result.evidence.sort_by_key(|evidence| evidence.invariant);
    }
    if how.is_some() {
        result.reason = how;
    }
    if let Some(observed) = &mut result.observed {
        observed.ends_as(Outcome::Crash);
    }
}
