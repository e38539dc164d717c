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
    pub(super) number: usize,
}

impl<'a> Blank<'a> {
    /// The cell of this stack and question.
    pub(super) fn of(stack: &'a str, question: Question<'a>) -> Self {
        let expected = reference::predict_against(
            &question.server.to_script(),
            question.axes,
            question.version,
        );
        Self { stack, axes: question.axes, expected, number: question.number }
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
            number: self.number,
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
        let mut run = self.unsupported(reason);
        let trace = Trace { outcome: Outcome::Hang, ..Trace::default() };
        run.result.observed = Some(Observed::of(trace));
        run.result.conformance = Conformance::Hang;
        breaks_unseen(&mut run.result, Invariant::Hang);
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
    breaks_unseen(result, Invariant::Crash);
    if how.is_some() {
        result.reason = how;
    }
    if let Some(observed) = &mut result.observed {
        observed.ends_as(Outcome::Crash);
    }
}

/// Nothing that the server saw shows what broke.
fn breaks_unseen(result: &mut CellResult, invariant: Invariant) {
    if !result.safety.contains(&invariant) {
        result.safety.push(invariant);
        result.safety.sort();
        result.evidence.push(Evidence { invariant, lines: Vec::new() });
        result.evidence.sort_by_key(|evidence| evidence.invariant);
    }
}
