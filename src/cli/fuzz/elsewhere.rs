//! Other stacks: which of them break on a finding too, and who stands alone before the same servers.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::future::join_all;
use pgtls_conformance::{
    fuzz::{Difference, Scenario, differences},
    runner::{StackSpec, Subject, TestEnvironment},
};

use tokio::time::timeout;

use super::hunted::HuntedStack;
use crate::cli::stacks::{Candidate, in_process};

/// As many scenarios of each stack's hunt are tried on all of the others: those that showed most.
const MOST_COMPARED: usize = 100;

/// How long other stacks are asked: what is not answered by then is not told.
const LONGEST: Duration = Duration::from_secs(60);

/// What other stacks do.
#[derive(Debug, Default)]
pub(super) struct Elsewhere {
    /// Of each finding's file, the other stacks that break on it.
    also: BTreeMap<String, Vec<String>>,
    /// Who stands alone, among the stacks that were hunted.
    pub(super) differences: Vec<Difference>,
}

impl Elsewhere {
    /// Tries every finding on every other stack that can run: those that were hunted, and all that are
    /// installed.
    pub(super) async fn look(
        &mut self,
        stacks: &[HuntedStack],
        installed: &[Candidate],
        environment: &TestEnvironment,
    ) {
        let _ = timeout(LONGEST, self.ask_all(stacks, installed, environment)).await;
    }

    async fn ask_all(
        &mut self,
        stacks: &[HuntedStack],
        installed: &[Candidate],
        environment: &TestEnvironment,
    ) {
        if !stacks.iter().any(HuntedStack::has_findings) {
            return;
        }
        let mut others: Vec<StackSpec> = stacks.iter().map(|it| it.spec.clone()).collect();
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
        let findings = stacks.iter().filter(|stack| stack.spec.name() != name);
        let asked = findings.flat_map(HuntedStack::findings).map(|(finding, file)| async move {
            finding.breaks(subject).await.then(|| file.to_owned())
        });
        for file in join_all(asked).await.into_iter().flatten() {
            self.also.entry(file).or_default().push(name.to_owned());
        }
    }

    /// Tries on each of the stacks what showed something new of any of them.
    pub(super) async fn compare(&mut self, stacks: &[HuntedStack], environment: &TestEnvironment) {
        // One of two is as much alone as the other.
        if stacks.len() < 3 {
            return;
        }
        let mut subjects = Vec::new();
        for stack in stacks {
            subjects.push(Subject::probe(&stack.spec, environment).await);
        }
        let newest = |stack: &HuntedStack| -> Vec<Arc<Scenario>> {
            stack.hunted.corpus.iter().rev().take(MOST_COMPARED).cloned().collect()
        };
        let scenarios: Vec<_> = stacks.iter().flat_map(newest).collect();
        self.differences = differences(&subjects, &scenarios).await;
    }

    /// Who breaks on the finding in this file, beside the stack that it is of.
    pub(super) fn of(&self, file: &str) -> &[String] {
        self.also.get(file).map_or(&[], Vec::as_slice)
    }
}
