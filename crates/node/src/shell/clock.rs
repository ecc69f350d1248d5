//! The one clock: everything else is told the time.

use ais_group::system_wall;
use ais_service::{Instant, Now};

/// The clock of one node, on tokio's time (which tests may pause).
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    start: tokio::time::Instant,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { start: tokio::time::Instant::now() }
    }

    pub(super) fn now(&self) -> Now {
        Now { at: Instant::START + self.start.elapsed(), wall: system_wall() }
    }

    /// When the runtime is to wake us for this moment; `None` if that is beyond its reach.
    pub(super) fn wake_at(&self, at: Instant) -> Option<tokio::time::Instant> {
        self.start.checked_add(at.since_start())
    }
}
