//! The table of moves, weighted to the seams of the protocol.

use super::{
    super::{draw::Draw, scenario::Scenario},
    answer::ANSWER,
    connection::CONNECTION,
    definition::{Move, Surroundings},
    disorder::DISORDER,
    ending::ENDING,
    field::FIELD,
    flood::FLOOD,
    injection::INJECTION,
    insertion::INSERTION,
    login::LOGIN,
    rewrite::REWRITE,
    settings::{FETCH, SETTINGS},
    splice::SPLICE,
    tls::TLS,
    wire::WIRE,
};

static MOVES: &[Move] = &[
    ANSWER, CONNECTION, DISORDER, ENDING, FETCH, FIELD, FLOOD, INJECTION, INSERTION, LOGIN,
    REWRITE, SETTINGS, SPLICE, TLS, WIRE,
];

/// Makes one move.
pub(in crate::fuzz) fn one(scenario: &mut Scenario, draw: &mut Draw, around: &Surroundings<'_>) {
    let drawn = draw.weighted(MOVES, |it| it.weight);
    (drawn.make)(scenario, draw, around);
}
