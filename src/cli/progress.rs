//! The progress bar: what runs now, and the time left. Only on a terminal.

use std::{
    collections::BTreeMap,
    io::{IsTerminal as _, stderr},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pgtls_conformance::runner::Event;

use crate::foreign::Foreign;

const TICK: Duration = Duration::from_millis(250);

/// A run's progress, as its events tell it. Dropped, it is gone from the terminal.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    /// The cells that run, by their numbers.
    running: BTreeMap<usize, String>,
}

impl Progress {
    pub(super) fn new() -> Self {
        let target = if stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(style("{wide_msg}"));
        bar.set_message("asking the stacks who they are");
        // So that the time left goes on while every cell waits.
        bar.enable_steady_tick(TICK);
        Self { bar, running: BTreeMap::new() }
    }

    /// Takes an event in.
    pub(super) fn apply(&mut self, event: &Event) {
        match event {
            Event::Begun { cells, .. } => {
                self.bar.set_style(style("{bar:30} {pos}/{len} {eta} left  {wide_msg}"));
                self.bar.set_message("");
                self.bar.set_length(*cells as u64);
                // How long the stacks took to start says nothing of the cells.
                self.bar.reset();
            }
            Event::Started { number, id } => drop(self.running.insert(*number, id.clone())),
            Event::Finished { number, .. } => {
                self.running.remove(number);
                self.bar.inc(1);
            }
            _ => {}
        }
        if self.bar.is_hidden() {
            return;
        }
        // The one that has no `silent` in it is the one that says most.
        let mut ids = self.running.values();
        let shown = ids.clone().find(|id| !id.contains("silent")).or_else(|| ids.next());
        self.bar.set_message(shown.map(|id| Foreign(id).to_string()).unwrap_or_default());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates stand above, and are right.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
