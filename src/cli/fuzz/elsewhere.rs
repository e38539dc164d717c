//! Which other stacks break on a finding too.

use std::collections::BTreeMap;

use pgtls_conformance::runner::{StackSpec, Subject, TestEnvironment};

use super::hunted::HuntedStack;
use crate::cli::stacks::{Candidate, in_process};

/// Of each finding's file, the other stacks that break on it.
#[derive(Debug, Default)]
pub(super) struct Elsewhere(BTreeMap<String, Vec<String>>);

impl Elsewhere {
    /// Tries every finding on every other stack that can run: those that were hunted, and all that are
    /// installed.
    pub(super) async fn look(
        &mut self,
        stacks: &[HuntedStack],
        hunted: &[Candidate],
        installed: &[Candidate],
        environment: &TestEnvironment,
    ) {
        if !stacks.iter().any(HuntedStack::has_findings) {
            return;
        }
        let mut others: Vec<StackSpec> = hunted.iter().map(|it| it.spec.clone()).collect();
        for candidate in installed {
            if others.iter().all(|other| other.name() != candidate.spec.name()) {
                let spec = in_process(&candidate.spec);
                others.push(spec.unwrap_or_else(|_| candidate.spec.clone()));
            }
        }
        for spec in others.iter().filter(|spec| spec.missing_because().is_none()) {
            let subject = Subject::probe(spec, environment).await;
            if subject.could_not_run().is_none() {
                self.look_at(&subject, spec.name(), stacks).await;
            }
        }
    }

    async fn look_at(&mut self, subject: &Subject<'_>, name: &str, stacks: &[HuntedStack]) {
        for stack in stacks.iter().filter(|stack| stack.spec.name() != name) {
            for (finding, file) in stack.findings() {
                if finding.breaks(subject).await {
                    self.0.entry(file.to_owned()).or_default().push(name.to_owned());
                }
            }
        }
    }

    /// Who breaks on the finding in this file, beside the stack that it is of.
    pub(super) fn of(&self, file: &str) -> &[String] {
        self.0.get(file).map_or(&[], Vec::as_slice)
    }
}
