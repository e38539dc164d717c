//! Traces.

use crate::trace::Trace;

/// A trace that is read survives its text.
pub fn trace(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(trace) = text.parse::<Trace>() {
        assert_eq!(trace.to_string().parse(), Ok(trace));
    }
}
