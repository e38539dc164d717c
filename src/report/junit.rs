//! Results as JUnit XML: a suite for each stack, a failure for each finding, a skip for each
//! cell that was not measured.

use std::{collections::HashSet, time::Duration};

use pgtls_conformance::{
    baseline::Finding,
    judge::Conformance,
    results::{CellResult, Results},
};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{Again, findings::what_it_said, never};
use crate::foreign::Visible;

/// The whole report.
///
/// # Errors
///
/// If a text holds what XML cannot.
pub fn render(
    results: &Results,
    findings: &[Finding<'_>],
    again: &Again,
) -> Result<String, quick_junit::SerializeError> {
    let results = &Visible::of(results);
    let never = never::connects(results);
    let failing: HashSet<String> = findings
        .iter()
        .filter_map(|finding| match finding {
            Finding::Cell(cell) | Finding::Changed(cell, _) => Some(Visible::of(*cell).id.clone()),
            _ => None,
        })
        .collect();
    let mut report = Report::new(format!("pgtls {}", results.suite));
    for stack in &results.stacks {
        let mut suite = TestSuite::new(&*stack.name);
        if let Some(reason) = &stack.could_not_run {
            let mut status = TestCaseStatus::skipped();
            status.set_message(&**reason);
            suite.add_test_case(TestCase::new(format!("{}: could not run", stack.name), status));
        }
        let never = never.iter().filter(|never| never.is_of(&stack.name));
        let never: Vec<String> = never.map(ToString::to_string).collect();
        if !never.is_empty() {
            suite.set_system_out(never.join("\n"));
        }
        for cell in results.cells.iter().filter(|cell| cell.stack == stack.name) {
            suite.add_test_case(case(cell, failing.contains(cell.id.as_str()), again));
        }
        report.add_test_suite(suite);
    }
    let mut stale = TestSuite::new("baseline");
    for finding in findings {
        if let Finding::Stale(entry) = finding {
            let entry = Visible::of(*entry);
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(format!(
                "the baseline says {}, and nothing is wrong any more",
                entry.conformance
            ));
            stale.add_test_case(TestCase::new(entry.id.to_string(), status));
        }
    }
    if !stale.test_cases.is_empty() {
        report.add_test_suite(stale);
    }
    report.to_string()
}

fn case(cell: &CellResult, failing: bool, again: &Again) -> TestCase {
    let status = if failing {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        let broken: Vec<&str> = cell.safety.iter().map(|invariant| invariant.id()).collect();
        let observed = cell
            .observed
            .as_ref()
            .map_or_else(|| "nothing".to_owned(), |observed| observed.trace().to_string());
        status.set_type(cell.conformance.name());
        status.set_message(format!("{} {}", cell.conformance, broken.join(" ")).trim());
        let reason = cell.reason.as_ref().map(|reason| format!("\nreason {reason}"));
        let said = what_it_said(cell).map(|said| format!("\nit says {said}"));
        status.set_description(format!(
            "expected {}\nobserved {observed}{}{}\n{}",
            cell.expected.trace,
            reason.unwrap_or_default(),
            said.unwrap_or_default(),
            again.command(&cell.stack, &cell.id)
        ));
        status
    } else if !cell.conformance.is_measured() {
        let mut status = TestCaseStatus::skipped();
        if cell.conformance == Conformance::Inconclusive {
            status.set_type(cell.conformance.name());
        }
        status.set_message(cell.reason.as_deref().unwrap_or_default());
        status
    } else {
        TestCaseStatus::success()
    };
    let mut case = TestCase::new(&*cell.id, status);
    case.set_classname(&*cell.stack);
    if let Some(observed) = &cell.observed {
        case.set_time(Duration::from_micros(observed.elapsed_us));
    }
    case
}
