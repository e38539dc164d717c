//! What is told on stderr while a hunt goes on.

use std::{io::IsTerminal as _, io::stderr};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pgtls_conformance::fuzz::{Hunted, Limits, Progress};

use crate::{cli::output, foreign::Foreign};

/// A hunt's progress. Dropped, it is gone from the terminal.
pub(super) struct Meter {
    name: String,
    bar: ProgressBar,
}

impl Meter {
    pub(super) fn new(name: &str, limits: Limits) -> Self {
        let is_seen = stderr().is_terminal();
        let target =
            if is_seen { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(limits.cases, target);
        let style = ProgressStyle::with_template("{wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { name: Foreign(name).to_string(), bar }
    }

    pub(super) fn tell(&mut self, hunted: &Hunted, progress: &Progress<'_>) {
        let name = &self.name;
        match progress {
            Progress::Suspected(case, broken) => {
                let ids: Vec<&str> = broken.iter().map(|invariant| invariant.id()).collect();
                self.say(&format!(
                    "{name}: scenario {case} breaks {}; making it small",
                    ids.join(", ")
                ));
            }
            Progress::Found(finding) => {
                let seconds = hunted.elapsed.as_secs_f64();
                self.say(&format!("{name}: {seconds:.1} s: {}", finding.summary()));
            }
            _ if self.bar.is_hidden() => {}
            _ => {
                self.bar.set_message(format!(
                    "{name}: {} scenarios, {:.0} a second, {} findings",
                    hunted.scenarios,
                    hunted.rate(),
                    hunted.findings.len()
                ));
            }
        }
    }

    fn say(&self, text: &str) {
        self.bar.suspend(|| output::notice(text));
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
