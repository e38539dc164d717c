//! Which cells run side by side. Pure: cells are numbers here.

use std::collections::VecDeque;

/// Lanes: some for cells that keep a processor busy, and beside them some of each stack for cells
/// that wait on silence.
#[derive(Debug)]
pub(super) struct Lanes {
    /// Busy cells that have not begun.
    busy: VecDeque<usize>,
    free: usize,
    waiting: Vec<Waiting>,
}

/// One stack's cells that wait on silence.
#[derive(Debug)]
struct Waiting {
    cells: VecDeque<usize>,
    free: usize,
}

/// The cells of one stack, by their numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct OfStack {
    /// Those that keep a processor busy.
    pub(super) busy: Vec<usize>,
    /// Those that wait on silence.
    pub(super) waiting: Vec<usize>,
    /// As many of the latter as may wait side by side.
    pub(super) side_by_side: usize,
}

/// In which kind of lane a cell runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    Busy,
    /// One of the stack of that number.
    Waiting(usize),
}

impl Lanes {
    /// Lanes for so many busy cells side by side. The stacks take turns: each process then rests
    /// between two questions, and one slow to start keeps nobody waiting.
    pub(super) fn new(busy: usize, stacks: Vec<OfStack>) -> Self {
        let longest = stacks.iter().map(|stack| stack.busy.len()).max().unwrap_or_default();
        let turns = (0..longest)
            .flat_map(|turn| stacks.iter().filter_map(move |stack| stack.busy.get(turn)));
        Self {
            busy: turns.copied().collect(),
            free: busy.max(1),
            waiting: stacks
                .into_iter()
                .map(|stack| Waiting {
                    cells: stack.waiting.into(),
                    free: stack.side_by_side.max(1),
                })
                .collect(),
        }
    }

    /// A cell that may begin now, those that wait first.
    pub(super) fn next(&mut self) -> Option<(usize, Lane)> {
        for (number, waiting) in self.waiting.iter_mut().enumerate() {
            if waiting.free > 0
                && let Some(cell) = waiting.cells.pop_front()
            {
                waiting.free -= 1;
                return Some((cell, Lane::Waiting(number)));
            }
        }
        if self.free == 0 {
            return None;
        }
        let cell = self.busy.pop_front()?;
        self.free -= 1;
        Some((cell, Lane::Busy))
    }

    /// A lane is free again.
    pub(super) fn leave(&mut self, lane: Lane) {
        match lane {
            Lane::Busy => self.free += 1,
            Lane::Waiting(stack) => self.waiting[stack].free += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(lanes: &mut Lanes) -> Vec<(usize, Lane)> {
        std::iter::from_fn(|| lanes.next()).collect()
    }

    #[test]
    fn stacks_take_turns_and_whoever_waits_is_in_nobodys_way() {
        let one = OfStack { busy: vec![0, 1, 2], waiting: vec![3, 4, 5], side_by_side: 2 };
        let other = OfStack { busy: vec![6], waiting: vec![7], side_by_side: 0 };
        let mut lanes = Lanes::new(2, vec![one, other]);
        let silence = Lane::Waiting(0);
        assert_eq!(
            begin(&mut lanes),
            [(3, silence), (4, silence), (7, Lane::Waiting(1)), (0, Lane::Busy), (6, Lane::Busy)]
        );
        lanes.leave(Lane::Waiting(1));
        assert_eq!(begin(&mut lanes), []);
        lanes.leave(Lane::Busy);
        lanes.leave(silence);
        assert_eq!(begin(&mut lanes), [(5, silence), (1, Lane::Busy)]);
        lanes.leave(silence);
        lanes.leave(Lane::Busy);
        lanes.leave(Lane::Busy);
        assert_eq!(begin(&mut lanes), [(2, Lane::Busy)]);
    }
}
