//! The progress bar: what runs now, and the time left. Only on a terminal.

use std::{
    collections::BTreeSet,
    io::{IsTerminal as _, stderr},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pgtls_conformance::runner::Progress;
use tokio::{sync::mpsc, task::JoinHandle};

use crate::foreign::Foreign;

const TICK: Duration = Duration::from_millis(250);

/// Shows a run's progress until its sender is gone.
pub(super) fn show(mut progress: mpsc::UnboundedReceiver<Progress>) -> JoinHandle<()> {
    tokio::spawn(async move {
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
        let mut running = BTreeSet::new();
        while let Some(news) = progress.recv().await {
            match news {
                Progress::Begun { cells } => {
                    bar.set_style(style("{bar:30} {pos}/{len} {eta} left  {wide_msg}"));
                    bar.set_message("");
                    bar.set_length(cells as u64);
                    // How long the stacks took to start says nothing of the cells.
                    bar.reset();
                }
                Progress::Started(id) => drop(running.insert(id)),
                Progress::Done(result) => {
                    running.remove(&result.id);
                    bar.inc(1);
                }
                _ => {}
            }
            // The one that has no `silent` in it is the one that says most.
            let shown =
                running.iter().find(|id| !id.contains("silent")).or_else(|| running.first());
            let shown = shown.map(|id| Foreign(id).to_string());
            bar.set_message(shown.unwrap_or_default());
        }
        bar.finish_and_clear();
    })
}

fn style(template: &str) -> ProgressStyle {
    // The templates stand above, and are right.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
