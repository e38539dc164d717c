//! Steps and contents in another order: dropped, doubled, swapped, or moved from one segment to another.

use super::{
    super::{draw::Draw, sites},
    definition::Move,
};

pub(super) const DISORDER: Move = Move {
    weight: 8,
    make: |scenario, draw, _| {
        let script = &mut scenario.script;
        if draw.one_in(2) {
            let at = draw.below(sites::count_segments(script));
            sites::at_segment(script, at, &mut |contents| disorder(contents, draw));
        } else {
            let at = draw.below(sites::count_lists(script));
            sites::at_list(script, at, &mut |steps| disorder(steps, draw));
        }
    },
};

fn disorder<T: Clone>(list: &mut Vec<T>, draw: &mut Draw) {
    if list.is_empty() {
        return;
    }
    let (one, other) = (draw.below(list.len()), draw.below(list.len()));
    match draw.below(4) {
        0 => {
            list.remove(one);
        }
        1 => list.insert(other, list[one].clone()),
        2 => list.swap(one, other),
        _ => list.truncate(one),
    }
}
