//! The cursor: where in its steps a script stands.

use crate::script::{Step, Steps};

/// Walks through steps and the steps in them.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    frames: Vec<Frame>,
}

#[derive(Debug)]
struct Frame {
    steps: Steps,
    next: usize,
    /// How often the steps are done after this time.
    again: u32,
}

impl Cursor {
    /// Goes to the beginning of these steps, and forgets all others.
    pub(super) fn start(&mut self, steps: Steps) {
        self.frames.clear();
        self.enter(steps, 1);
    }

    /// Does these steps next, so often, and then goes on.
    pub(super) fn enter(&mut self, steps: Steps, times: u32) {
        if !steps.is_empty()
            && let Some(again) = times.checked_sub(1)
        {
            self.frames.push(Frame { steps, next: 0, again });
        }
    }

    /// The next step; `None` behind the last one.
    pub(super) fn next(&mut self) -> Option<Step> {
        loop {
            let frame = self.frames.last_mut()?;
            if let Some(step) = frame.steps.get(frame.next) {
                frame.next += 1;
                return Some(step.clone());
            }
            match frame.again.checked_sub(1) {
                Some(again) => (frame.next, frame.again) = (0, again),
                None => {
                    self.frames.pop();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_in_steps_are_done_in_their_order() {
        let inner: Steps = vec![Step::Close, Step::Reset].into();
        let mut cursor = Cursor::default();
        cursor.start(vec![Step::Silence, Step::Handshake].into());
        assert_eq!(cursor.next(), Some(Step::Silence));
        cursor.enter(inner.clone(), 2);
        cursor.enter(inner.clone(), 0);
        cursor.enter(Steps::default(), 9);
        let rest: Vec<Step> = std::iter::from_fn(|| cursor.next()).collect();
        let twice = [Step::Close, Step::Reset, Step::Close, Step::Reset, Step::Handshake];
        assert_eq!(rest, twice);
    }
}
