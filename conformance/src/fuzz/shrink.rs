//! The least of a scenario that still breaks the client.

use futures_util::{StreamExt as _, stream};

use super::{finding::Finding, reduce::reductions, scenario::Scenario};
use crate::{
    axes::Axes,
    judge::{Conformance, Invariant, Usage},
    runner::{CellRun, ServerBehaviour, Subject},
};

/// As many smaller scenarios are tried at most: a few seconds' work.
pub const MOST_TRIES: u32 = 400;
/// As many where each costs a client seconds; with eight side by side about a minute.
pub const MOST_SLOW_TRIES: u32 = 100;
/// So many are tried side by side.
const SIDE_BY_SIDE: usize = 8;
/// What does not break so many times of as many is no finding.
const TIMES: usize = 3;
/// So often a run is repeated of which the tool could not tell anything.
const INCONCLUSIVE: usize = 5;

/// Makes a scenario that broke an invariant as small as can be; `None` if it does not break each time.
pub(super) async fn shrink(
    subject: &Subject<'_>,
    scenario: &Scenario,
    invariant: Invariant,
    case: u64,
) -> Option<Finding> {
    let is_slow = is_slow(invariant);
    let most_tries = if is_slow { MOST_SLOW_TRIES } else { MOST_TRIES };
    let mut search = Search { subject, invariant, most_tries, to_the_end: false };
    // What has cost too much is known as soon as it has; what hangs, not before its deadline.
    let costs = if is_slow { search.costs_too_much(scenario).await } else { None };
    match costs {
        Some(invariant) => search.invariant = invariant,
        None => {
            search.confirm(scenario).await?;
        }
    }
    // What the client does behind its answer shows once its process has ended.
    search.to_the_end = costs.is_none() && !search.breaks(scenario).await;
    let (smallest, tries) = search.smallest(scenario.clone()).await;
    // What was taken away may have made it a matter of chance.
    let (scenario, run) = match search.confirm(&smallest).await {
        Some(run) => (smallest, run),
        None => (scenario.clone(), search.confirm(scenario).await?),
    };
    Some(Finding { scenario, broken: run.result.safety.clone(), run, case, tries })
}

/// Whether it takes a client seconds to show it.
fn is_slow(invariant: Invariant) -> bool {
    matches!(invariant, Invariant::Hang | Invariant::Busy | Invariant::Memory)
}

struct Search<'a> {
    subject: &'a Subject<'a>,
    invariant: Invariant,
    most_tries: u32,
    /// Each try is watched up to the end of a process of its own.
    to_the_end: bool,
}

impl Search<'_> {
    /// One of the runs, if each breaks the invariant in a process of its own.
    async fn confirm(&self, scenario: &Scenario) -> Option<CellRun> {
        let (axes, server) = (scenario.axes(), scenario.server());
        // One that takes seconds is asked for side by side.
        let side_by_side = if is_slow(self.invariant) { TIMES } else { 1 };
        let mut runs = stream::repeat_with(|| self.measured(&axes, &server, scenario))
            .take(TIMES)
            .buffered(side_by_side);
        let mut last = None;
        while let Some(run) = runs.next().await {
            if !run.result.safety.contains(&self.invariant) {
                return None;
            }
            last = Some(run);
        }
        last
    }

    /// A run that says something of the client: on a machine that is short of means some do not.
    async fn measured(
        &self,
        axes: &Axes,
        server: &ServerBehaviour,
        scenario: &Scenario,
    ) -> CellRun {
        let mut run = self.subject.try_server_to_the_end(axes, server, &scenario.fetch).await;
        for _ in 0..INCONCLUSIVE {
            if run.result.conformance != Conformance::Inconclusive {
                break;
            }
            run = self.subject.try_server_to_the_end(axes, server, &scenario.fetch).await;
        }
        run
    }

    /// Of what it costs too much, where that can be told before an answer is due.
    async fn costs_too_much(&self, scenario: &Scenario) -> Option<Invariant> {
        let (axes, server) = (scenario.axes(), scenario.server());
        let usage = self.subject.cost_of(&axes, &server, &scenario.fetch).await?;
        if usage.processor > Usage::LONG {
            Some(Invariant::Busy)
        } else {
            (usage.memory > Usage::MUCH_MEMORY).then_some(Invariant::Memory)
        }
    }

    async fn breaks(&self, scenario: &Scenario) -> bool {
        let (axes, server) = (scenario.axes(), scenario.server());
        if matches!(self.invariant, Invariant::Busy | Invariant::Memory)
            && !self.subject.is_in_process()
        {
            return self.costs_too_much(scenario).await == Some(self.invariant);
        }
        let run = if self.to_the_end {
            self.subject.try_server_to_the_end(&axes, &server, &scenario.fetch).await
        } else {
            self.subject.try_server_again(&axes, &server, &scenario.fetch).await
        };
        run.result.safety.contains(&self.invariant)
    }

    /// Takes the first cut that still breaks, as long as there is one, and how often it tried.
    async fn smallest(&self, mut current: Scenario) -> (Scenario, u32) {
        let mut tries = 0;
        // Where the last cut was taken, the next one is likely.
        let mut begin = 0;
        let mut idle = false;
        loop {
            let cuts: Vec<Scenario> = reductions(&current)
                .into_iter()
                .skip(begin)
                .filter(|cut| self.subject.supports(&cut.axes()))
                .collect();
            match self.first_that_breaks(cuts, &mut tries).await {
                Some((_, cut)) if tries >= self.most_tries => return (cut, tries),
                Some((at, cut)) => (current, begin, idle) = (cut, begin + at, false),
                None if tries >= self.most_tries || idle || begin == 0 => return (current, tries),
                // Once more from the beginning: a cut may be possible now that was not before.
                None => (begin, idle) = (0, true),
            }
        }
    }

    /// The first of these that breaks, in their order: the same, however many are tried side by side.
    async fn first_that_breaks(
        &self,
        cuts: Vec<Scenario>,
        tries: &mut u32,
    ) -> Option<(usize, Scenario)> {
        let mut tried = stream::iter(cuts.into_iter().enumerate())
            .map(|(at, cut)| async move { (at, self.breaks(&cut).await, cut) })
            .buffered(SIDE_BY_SIDE);
        while let Some((at, breaks, cut)) = tried.next().await {
            *tries += 1;
            if breaks {
                return Some((at, cut));
            }
            if *tries >= self.most_tries {
                return None;
            }
        }
        None
    }
}
