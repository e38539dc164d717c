//! The wire cuts, delays and joins what passes.

use pgtls_mock_server::RuleSpec;

use super::{super::draw::Draw, definition::Move};

/// As far into a connection as rules reach: past the handshake and into the answer.
const DEEPEST: usize = 8192;

pub(super) const WIRE: Move = Move {
    weight: 3,
    make: |scenario, draw, _| {
        if scenario.rules.len() < 2 {
            let rule = rule(draw);
            scenario.rules.push(rule);
        } else {
            scenario.rules.remove(0);
        }
    },
};

fn rule(draw: &mut Draw) -> RuleSpec {
    // As often among the first bytes as anywhere.
    let at = (draw.below(DEEPEST) >> draw.below(12)) as u64;
    let run = |draw: &mut Draw| (0..1 + draw.below(20) as u64).map(|step| at + step).collect();
    match draw.below(9) {
        0 | 1 => RuleSpec::SplitOutbound { at: run(draw) },
        2 => RuleSpec::SplitInbound { at: run(draw) },
        3 => RuleSpec::TruncateOutbound { at },
        4 => RuleSpec::ResetOutbound { at },
        5 => RuleSpec::ResetInbound { at },
        6 => RuleSpec::HalfCloseOutbound { at },
        7 => RuleSpec::DelayOutbound { at, milliseconds: 1 + draw.below(40) as u64 },
        _ => RuleSpec::CorruptOutbound { at, xor: 1 << draw.below(8) },
    }
}
