//! What fuzz/ runs, and a test replays: functions over a fuzzer's bytes, which panic where a property does not hold.
//!
//! No part of the interface: behind the feature `fuzzing`, and free to change.

pub use crate::shim::fuzzing::{shim_output, shim_request};
use crate::{
    Cell,
    baseline::{Baseline, Entry},
    diff::diff,
    results::Results,
};

/// A target: its name in fuzz/, and the function.
pub type Target = (&'static str, fn(&[u8]));

/// Every target of this crate.
pub const TARGETS: &[Target] = &[
    ("baseline", baseline),
    ("cell", cell),
    ("results", results),
    ("shim_output", shim_output),
    ("shim_request", shim_request),
];

/// A cell's id survives being read.
pub fn cell(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(cell) = text.parse::<Cell>() else { return };
    assert_eq!(cell.to_string().parse::<Cell>().ok(), Some(cell));
}

/// A results file survives being read; nothing differs between it and itself; and a baseline of all that it found leaves
/// nothing of it.
pub fn results(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(results) = Results::from_json(text) else { return };
    let json = serde_json::to_string(&results).expect("JSON");
    assert_eq!(Results::from_json(&json).expect("our own results"), results);
    assert_eq!(diff(&results, &results), []);

    let known = results.cells.iter().map(|cell| {
        let id: Cell = cell.id.parse().ok()?;
        // An id of another version, or spelt by somebody, is not found by the one of ours.
        (id.to_string() == cell.id).then_some(())?;
        let (safety, reason) = (cell.safety.clone(), String::new());
        Some(Entry { id, conformance: cell.conformance, safety, reason })
    });
    if let Some(known) = known.collect::<Option<_>>() {
        assert_eq!(Baseline(known).findings(&results), []);
    }
}

/// A baseline survives being read.
pub fn baseline(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(baseline) = Baseline::from_json(text) else { return };
    let json = serde_json::to_string(&baseline).expect("JSON");
    assert_eq!(Baseline::from_json(&json).expect("our own baseline"), baseline);
}
