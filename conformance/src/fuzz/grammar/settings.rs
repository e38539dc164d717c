//! What a client is told and asked.

use pgtls_mock_server::axes::ServerAxes;

use super::super::draw::Draw;
use crate::{
    axes::{AXES, Axes},
    shim::ColumnType,
};

/// What a client is told: its mode, its binding often, and of the other axes about one in five. What a
/// stack cannot be told, as `supports` says, stays at its default.
pub(in crate::fuzz) fn settings(draw: &mut Draw, supports: &dyn Fn(&Axes) -> bool) -> Axes {
    let mut axes = Axes::default();
    for axis in AXES.iter().filter(|axis| !axis.of_server) {
        let one_in = match axis.name {
            "sslmode" => 1,
            // What it demands of a login shows in few of them.
            "channel-binding" => 3,
            _ => 5,
        };
        if draw.one_in(one_in) {
            let values = (axis.values)();
            set(&mut axes, axis.name, draw.pick(&values), supports);
        }
    }
    // With nothing to trust, what verifies goes nowhere.
    if axes.sslmode.name().starts_with("verify") && !draw.one_in(4) {
        set(&mut axes, "sslrootcert", "right", supports);
    }
    axes
}

/// What a server does by its axes: honest in most, so that what is changed is met.
pub(in crate::fuzz) fn server(draw: &mut Draw) -> ServerAxes {
    let mut axes = Axes::default();
    for axis in AXES.iter().filter(|axis| axis.of_server) {
        let one_in = match axis.name {
            "auth" => 1,
            "reply" => 4,
            _ => 8,
        };
        if draw.one_in(one_in) {
            let values = (axis.values)();
            set(&mut axes, axis.name, draw.pick(&values), &|_| true);
        }
    }
    axes.server
}

/// The types of the columns that are asked for, beside the number; often none.
pub(in crate::fuzz) fn fetch(draw: &mut Draw) -> Vec<ColumnType> {
    match draw.below(3) {
        0 => Vec::new(),
        1 => vec![draw.pick(&ColumnType::ALL)],
        _ => (0..1 + draw.below(4)).map(|_| draw.pick(&ColumnType::ALL)).collect(),
    }
}

fn set(axes: &mut Axes, name: &str, value: &str, supports: &dyn Fn(&Axes) -> bool) {
    let mut changed = axes.clone();
    if changed.set(name, value).is_ok() && supports(&changed) {
        *axes = changed;
    }
}
