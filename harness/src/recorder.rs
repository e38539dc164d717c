//! The recorder: what passed, which way, when, and whether before or after encryption.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::Direction;

/// Where bytes were seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Layer {
    /// On the wire: below TLS, or where there is none.
    Wire,
    /// Inside TLS: before encryption, or after decryption.
    Session,
}

/// One chunk of a [`Recording`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mark<'a> {
    /// Since the recorder's start.
    pub at: Duration,
    /// Which way the bytes went, as this end sees it.
    pub direction: Direction,
    /// Where they were seen.
    pub layer: Layer,
    /// The bytes.
    pub bytes: &'a [u8],
}

/// How many chunks are told apart, however short they are: each costs more than its bytes. Beyond,
/// chunks that follow each other the same way are told as one, and others count as forgotten.
const MOST_MARKS: usize = 4096;

/// What a [`Recorder`] kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recording {
    bytes: Vec<u8>,
    marks: Vec<(Duration, Direction, Layer, usize)>,
    forgotten: u64,
}

impl Recording {
    /// The chunks in the order in which they passed.
    pub fn iter(&self) -> impl Iterator<Item = Mark<'_>> {
        let mut start = 0;
        self.marks.iter().map(move |&(at, direction, layer, size)| {
            let bytes = &self.bytes[start..start + size];
            start += size;
            Mark { at, direction, layer, bytes }
        })
    }

    /// The bytes of one direction and layer, without their boundaries.
    #[must_use]
    pub fn concat(&self, direction: Direction, layer: Layer) -> Vec<u8> {
        self.iter()
            .filter(|mark| mark.direction == direction && mark.layer == layer)
            .flat_map(|mark| mark.bytes)
            .copied()
            .collect()
    }

    /// How many bytes passed after the limit was reached, and were not kept.
    #[must_use]
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }
}

/// Keeps what it is shown, up to a limit; clones write into the same recording.
///
/// The same type serves under TLS (give it to a [`Wire`](crate::Wire)) and over it (call
/// [`record`](Self::record) with [`Layer::Session`]).
#[derive(Debug, Clone)]
pub struct Recorder {
    started: Instant,
    limit: usize,
    recording: Arc<Mutex<Recording>>,
}

impl Recorder {
    /// A recorder that keeps at most `limit` bytes and counts the rest.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { started: Instant::now(), limit, recording: Arc::default() }
    }

    /// Keeps `bytes`.
    pub fn record(&self, direction: Direction, layer: Layer, bytes: &[u8]) {
        let at = self.started.elapsed();
        let mut recording = self.recording.lock().unwrap_or_else(PoisonError::into_inner);
        let mut kept = bytes.len().min(self.limit.saturating_sub(recording.bytes.len()));
        if kept > 0 {
            if recording.marks.len() < MOST_MARKS {
                recording.marks.push((at, direction, layer, kept));
            } else if let Some((_, last_direction, last_layer, size)) = recording.marks.last_mut()
                && (*last_direction, *last_layer) == (direction, layer)
            {
                *size += kept;
            } else {
                kept = 0;
            }
            recording.bytes.extend_from_slice(&bytes[..kept]);
        }
        recording.forgotten += (bytes.len() - kept) as u64;
    }

    /// What was kept so far.
    #[must_use]
    pub fn recording(&self) -> Recording {
        self.recording.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_and_directions_stay_apart() {
        let recorder = Recorder::new(100);
        recorder.record(Direction::Inbound, Layer::Wire, b"abc");
        recorder.clone().record(Direction::Inbound, Layer::Session, b"x");
        recorder.record(Direction::Outbound, Layer::Wire, b"de");
        recorder.record(Direction::Inbound, Layer::Wire, b"f");
        let recording = recorder.recording();
        assert_eq!(recording.concat(Direction::Inbound, Layer::Wire), b"abcf");
        assert_eq!(recording.concat(Direction::Inbound, Layer::Session), b"x");
        let sizes: Vec<_> = recording.iter().map(|mark| mark.bytes.len()).collect();
        assert_eq!(sizes, [3, 1, 2, 1]);
    }

    #[test]
    fn chunks_are_told_apart_up_to_a_limit() {
        let recorder = Recorder::new(1 << 20);
        for _ in 0..MOST_MARKS + 5 {
            recorder.record(Direction::Inbound, Layer::Wire, b"x");
        }
        recorder.record(Direction::Outbound, Layer::Wire, b"yz");
        let recording = recorder.recording();
        assert_eq!(recording.iter().count(), MOST_MARKS);
        assert_eq!(recording.iter().last().map(|mark| mark.bytes.len()), Some(6));
        assert_eq!(recording.concat(Direction::Inbound, Layer::Wire).len(), MOST_MARKS + 5);
        assert_eq!(recording.forgotten(), 2);
    }

    #[test]
    fn the_limit_holds_and_the_rest_is_counted() {
        let recorder = Recorder::new(4);
        recorder.record(Direction::Inbound, Layer::Wire, b"abc");
        recorder.record(Direction::Inbound, Layer::Wire, b"def");
        recorder.record(Direction::Inbound, Layer::Wire, b"ghi");
        let recording = recorder.recording();
        assert_eq!(recording.concat(Direction::Inbound, Layer::Wire), b"abcd");
        assert_eq!(recording.forgotten(), 5);
    }
}
