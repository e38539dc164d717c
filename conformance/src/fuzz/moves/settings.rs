//! The client is told or asked something else.

use super::{super::grammar::settings, definition::Move};

pub(super) const SETTINGS: Move = Move {
    weight: 4,
    make: |scenario, draw, around| scenario.settings = settings::settings(draw, around.supports),
};

pub(super) const FETCH: Move =
    Move { weight: 3, make: |scenario, draw, _| scenario.fetch = settings::fetch(draw) };
