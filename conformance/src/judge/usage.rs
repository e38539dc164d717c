//! What one question cost the client.

use std::time::Duration;

/// What one question cost the client, beyond what it cost before: as the kernel counts it for its
/// processes, or an allocator and the thread's clock for a driver in this one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// By how much it grew at the most, in bytes.
    pub memory: u64,
    /// How much processor time it took.
    pub processor: Duration,
}

impl Usage {
    /// Growing by more than this is too much for what one server has sent in less than
    /// [`LITTLE`](Self::LITTLE), in bytes.
    pub const MUCH_MEMORY: u64 = 256 << 20;
    /// Working for longer than this is too much for as little.
    pub const LONG: Duration = Duration::from_secs(1);
    /// What a server may send and a client may have to work on, in bytes.
    pub const LITTLE: usize = 1 << 20;

    /// So many bytes, and so much time.
    #[must_use]
    pub const fn new(memory: u64, processor: Duration) -> Self {
        Self { memory, processor }
    }

    /// Whether it is more than a question may cost.
    #[must_use]
    pub fn is_excessive(self) -> bool {
        self.memory > Self::MUCH_MEMORY || self.processor > Self::LONG
    }

    /// The less of both: what was measured twice, and belongs to the question each time.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        Self {
            memory: self.memory.min(other.memory),
            processor: self.processor.min(other.processor),
        }
    }
}
