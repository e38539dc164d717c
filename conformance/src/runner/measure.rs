//! The cells of a run, side by side in lanes.

use std::{collections::BTreeMap, time::Instant};

use futures_util::{StreamExt as _, future::join, stream::FuturesUnordered};
use tokio::sync::mpsc;

use super::{
    belief::believe,
    blank::Blank,
    cell::{Asked, Place, ask},
    cell_run::CellRun,
    event::Event,
    interrupt::Interrupt,
    lanes::Lanes,
    means::Shortage,
    question::{Question, ServerBehaviour},
    stack::ProbedStack,
};
use crate::{axes::Axes, reference::Version, results::CellResult};

/// What came of the cells so far, by their numbers.
pub(super) type Measured = BTreeMap<usize, Result<CellResult, Shortage>>;

/// A cell that is to be measured.
#[derive(Debug)]
pub(super) struct Planned<'a> {
    pub(super) stack: &'a ProbedStack,
    pub(super) axes: Axes,
    pub(super) server: ServerBehaviour,
}

/// A run whose cells are known.
#[derive(Clone, Copy)]
pub(super) struct Run<'a> {
    pub(super) place: Place<'a>,
    pub(super) cells: &'a [Planned<'a>],
    pub(super) version: Version,
    /// Where its events go. Nobody listening is no reason to stop.
    pub(super) events: &'a mpsc::UnboundedSender<Event>,
    pub(super) interrupt: &'a Interrupt,
}

impl<'a> Run<'a> {
    pub(super) fn question(&self, number: usize) -> (&'a ProbedStack, Question<'a>) {
        let Planned { stack, axes, server } = &self.cells[number];
        (stack, Question { axes, server, fetch: &[], version: self.version, number })
    }

    /// The result of what was measured, or of what could not be.
    pub(super) fn result(&self, number: usize, run: &Result<CellResult, Shortage>) -> CellResult {
        let (stack, question) = self.question(number);
        match run {
            Ok(result) => result.clone(),
            Err(shortage) => Blank::of(&stack.name, question).inconclusive(shortage).result,
        }
    }

    /// Asks in lanes. Cells that are answered stay open beside them, until their processes are asked
    /// again or have ended.
    pub(super) async fn measure(&self, mut lanes: Lanes) -> Measured {
        let mut asking = FuturesUnordered::new();
        let mut open = FuturesUnordered::new();
        let mut measured = Measured::new();
        loop {
            while let Some((number, lane)) = lanes.next() {
                asking.push(async move { (number, lane, Instant::now(), self.ask(number).await) });
            }
            // Lanes are free again, so nothing is left to begin.
            if asking.is_empty() {
                break;
            }
            tokio::select! {
                Some((number, lane, started, asked)) = asking.next() => {
                    lanes.leave(lane);
                    match asked {
                        Ok(Asked::Closed(run)) => {
                            self.done(&mut measured, number, started, Ok(*run));
                        }
                        Ok(Asked::Open(cell, process)) => open.push(async move {
                            (number, started, cell.close_behind(process).await)
                        }),
                        Err(shortage) => self.done(&mut measured, number, started, Err(shortage)),
                    }
                }
                Some((number, started, run)) = open.next(), if !open.is_empty() => {
                    self.done(&mut measured, number, started, run);
                }
                () = self.interrupt.triggered() => break,
            }
        }
        // Those that were interrupted die with their questions.
        drop(asking);
        let close = async {
            while let Some((number, started, run)) = open.next().await {
                self.done(&mut measured, number, started, run);
            }
        };
        join(self.place.pool.retire_all(), close).await;
        measured
    }

    async fn ask(&self, number: usize) -> Result<Asked<'a>, Shortage> {
        let (stack, question) = self.question(number);
        let id = Blank::of(&stack.name, question).id();
        let _ = self.events.send(Event::Started { number, id });
        ask(self.place, stack, question).await
    }

    fn done(
        &self,
        measured: &mut Measured,
        number: usize,
        started: Instant,
        run: Result<CellRun, Shortage>,
    ) {
        let run = believe(self.place.environment, self.cells[number].stack, started, run)
            .map(|run| run.result);
        let result = Box::new(self.result(number, &run));
        let _ = self.events.send(Event::Finished { number, result });
        measured.insert(number, run);
    }
}
