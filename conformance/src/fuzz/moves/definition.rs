//! What a move is.

use super::super::{draw::Draw, scenario::Scenario};
use crate::axes::Axes;

/// What a move may look at beside the scenario.
pub(in crate::fuzz) struct Surroundings<'a> {
    /// Whether the stack can be told this.
    pub(in crate::fuzz) supports: &'a dyn Fn(&Axes) -> bool,
    /// Scenarios that showed something new, to take parts from.
    pub(in crate::fuzz) corpus: &'a [std::sync::Arc<Scenario>],
}

/// A move.
pub(super) struct Move {
    /// How often it is made, in relation to the others.
    pub(super) weight: u32,
    /// Makes it.
    pub(super) make: fn(&mut Scenario, &mut Draw, &Surroundings<'_>),
}
