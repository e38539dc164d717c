//! What a process did behind its answers, and to which cells that may belong. Pure.

use std::time::Duration;

use tokio::time::Instant;

use super::scrub::Scrubber;
use crate::shim::Misbehaviour;

/// How long a process is watched behind its answer at the least, for what still belongs to it: above
/// what a driver's background work takes to go wrong, and short enough to be waited for at the end.
pub(super) const WATCHED: Duration = Duration::from_millis(400);
/// Something that a process did behind an answer, and the cells to which it may belong, the last one
/// last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Suspicion {
    pub(super) suspects: Vec<usize>,
    pub(super) how: String,
}

/// A cell that a process has answered.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) cell: usize,
    /// What hides in its words.
    pub(super) scrubber: Scrubber,
    pub(super) at: Instant,
}

/// The cell whose answer was repeated, or else all that were answered so shortly before the last one
/// that they were still watched.
pub(super) fn suspicion(answered: &[Answered], misbehaviour: &Misbehaviour) -> Option<Suspicion> {
    let Misbehaviour { how, answered: id } = misbehaviour;
    let last = answered.last()?;
    let named = answered.iter().find(|cell| id.is_some_and(|id| id == cell.cell as u64));
    let suspects: Vec<&Answered> = match named {
        Some(cell) => vec![cell],
        None => answered.iter().filter(|cell| cell.at + WATCHED >= last.at).collect(),
    };
    let how = suspects.iter().fold(how.clone(), |how, cell| cell.scrubber.scrub(&how));
    Some(Suspicion { suspects: suspects.iter().map(|cell| cell.cell).collect(), how })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(cell: usize, at: Instant) -> Answered {
        Answered { cell, scrubber: Scrubber::default(), at }
    }

    #[test]
    fn whoever_was_still_watched_is_suspected() {
        let now = Instant::now();
        let cells =
            [answered(1, now - 2 * WATCHED), answered(2, now - WATCHED / 2), answered(3, now)];
        let died = Misbehaviour { how: "died".to_owned(), answered: None };
        let of = |cells: &[Answered], what: &Misbehaviour| {
            suspicion(cells, what).map(|suspicion| suspicion.suspects)
        };
        assert_eq!(of(&cells, &died), Some(vec![2, 3]));
        assert_eq!(of(&cells[..1], &died), Some(vec![1]));
        assert_eq!(of(&[], &died), None);
        let repeated = Misbehaviour { how: "spoke unasked".to_owned(), answered: Some(1) };
        assert_eq!(of(&cells, &repeated), Some(vec![1]));
    }
}
