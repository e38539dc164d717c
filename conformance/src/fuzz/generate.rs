//! The generator: the scenario of a number.

use std::sync::Arc;

use pgtls_mock_server::{Seed, script::Script};

use super::{
    draw::Draw,
    grammar::settings,
    moves::{self, Surroundings},
    scenario::Scenario,
};
use crate::axes::Axes;

/// The most moves that are made at once.
const MOST_MOVES: usize = 4;
/// How long a client may say nothing while the server waits for it, in milliseconds: far longer than a
/// driver takes on a busy machine, and far shorter than a client's timeout.
const IDLE_TIMEOUT: u64 = 300;

impl Scenario {
    /// The scenario of that seed: a fresh one, or one of the corpus with something changed. It is told
    /// only what the stack can be told, as `supports` says.
    #[must_use]
    pub fn drawn(seed: Seed, corpus: &[Arc<Self>], supports: &dyn Fn(&Axes) -> bool) -> Self {
        let mut draw = Draw::new(seed);
        let mut scenario = match corpus {
            [] => fresh(&mut draw, supports),
            _ if draw.one_in(3) => fresh(&mut draw, supports),
            _ => (*recent(&mut draw, corpus)).clone(),
        };
        let around = Surroundings { supports, corpus };
        for _ in 0..=draw.below(MOST_MOVES) {
            moves::one(&mut scenario, &mut draw, &around);
        }
        scenario
    }
}

/// One of the corpus, half of the time of its newest quarter: what was reached last leads on.
fn recent(draw: &mut Draw, corpus: &[Arc<Scenario>]) -> Arc<Scenario> {
    let newest = if draw.one_in(2) { corpus.len().div_ceil(4) } else { corpus.len() };
    Arc::clone(&corpus[corpus.len() - 1 - draw.below(newest)])
}

/// A server by its axes, and a client that is told something.
fn fresh(draw: &mut Draw, supports: &dyn Fn(&Axes) -> bool) -> Scenario {
    let mut script = Script::of(&settings::server(draw));
    script.idle_timeout_ms = (!draw.one_in(64)).then_some(IDLE_TIMEOUT);
    Scenario {
        settings: settings::settings(draw, supports),
        fetch: settings::fetch(draw),
        script,
        rules: Vec::new(),
    }
}
