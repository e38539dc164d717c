//! What is left in doubt once all cells have run: whose fault it was that a process went wrong, and
//! what the tool was short of means for.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use futures_util::{StreamExt as _, stream};

use super::{
    alone::to_the_end,
    belief::believe,
    blank::amend,
    event::Event,
    means::Shortage,
    measure::{Measured, Run},
    suspicion::Suspicion,
};
use crate::{judge::Conformance, results::CellResult};

impl Run<'_> {
    /// Puts this in place of what was measured, and tells so where it is another thing.
    fn amend(&self, measured: &mut Measured, number: usize, by: Result<CellResult, Shortage>) {
        if measured.get(&number) == Some(&by) {
            return;
        }
        let result = Box::new(self.result(number, &by));
        let _ = self.events.send(Event::Amended { number, result });
        measured.insert(number, by);
    }

    /// Charges what processes did behind their answers to the cells that it belongs to. Where several
    /// come into question, each is asked again alone, and shows it or not.
    pub(super) async fn find_the_guilty(&self, measured: &mut Measured, jobs: usize) {
        let suspicions = self.place.pool.suspicions();
        let several: BTreeSet<usize> = suspicions
            .iter()
            .filter(|suspicion| suspicion.suspects.len() > 1)
            .flat_map(|suspicion| suspicion.suspects.iter().copied())
            .filter(|number| *number < self.cells.len())
            .collect();
        let alone: BTreeMap<usize, CellResult> = stream::iter(several)
            .map(|number| async move {
                let (stack, question) = self.question(number);
                let started = Instant::now();
                let run = to_the_end(self.place, stack, question).await;
                let run = believe(self.place.environment, stack, started, run).ok()?;
                let shows = run.result.conformance == Conformance::Crash;
                shows.then_some((number, run.result))
            })
            .buffer_unordered(jobs)
            .filter_map(async |found| found)
            .collect()
            .await;
        for Suspicion { suspects, how } in suspicions {
            let guilty: Vec<&usize> =
                suspects.iter().filter(|number| alone.contains_key(number)).collect();
            match (guilty.as_slice(), suspects.last()) {
                ([], Some(last)) => {
                    let by = match (measured.get(last), self.place.environment.shortage()) {
                        // It may have died of that.
                        (Some(_), Some(shortage)) => Err(shortage),
                        (Some(Ok(result)), None) => {
                            let mut result = result.clone();
                            amend(&mut result, Some(how));
                            Ok(result)
                        }
                        _ => continue,
                    };
                    self.amend(measured, *last, by);
                }
                (guilty, _) => {
                    for number in guilty {
                        self.amend(measured, **number, Ok(alone[number].clone()));
                    }
                }
            }
        }
    }

    /// Asks again, alone, what the tool was short of means for, unless it still is.
    pub(super) async fn ask_again(&self, measured: &mut Measured) {
        let unmeasured: Vec<usize> = measured
            .iter()
            .filter(|(_, measured)| measured.is_err())
            .map(|(number, _)| *number)
            .collect();
        for number in unmeasured {
            let again = match self.place.environment.shortage() {
                Some(shortage) => Err(shortage),
                None => {
                    let (stack, question) = self.question(number);
                    let started = Instant::now();
                    let run = to_the_end(self.place, stack, question).await;
                    believe(self.place.environment, stack, started, run).map(|run| run.result)
                }
            };
            self.amend(measured, number, again);
        }
    }
}
