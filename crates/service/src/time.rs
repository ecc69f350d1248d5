//! The time a core is told.

use ais_types::Time;
use core::{fmt, ops, time::Duration};

/// A moment on this node's monotonic clock, counted from the start of its driver.
///
/// Comparable, printable, constructible in a test; nobody can ask it for *now*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(Duration);

impl Instant {
    /// When the driver started.
    pub const START: Self = Self(Duration::ZERO);

    /// Time since the start.
    #[must_use]
    pub const fn since_start(self) -> Duration {
        self.0
    }

    /// This moment, later by `duration`; `None` when there is no limit to it.
    #[must_use]
    pub fn after(self, duration: Time) -> Option<Self> {
        duration.limit().map(|limit| self + limit)
    }
}

impl ops::Add<Duration> for Instant {
    type Output = Self;
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }
}

impl ops::Sub for Instant {
    type Output = Duration;
    fn sub(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{:?}", self.0)
    }
}

/// The moment of a step, on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Monotonic: for local timers.
    pub at: Instant,
    /// The wall clock: only for what users are shown. May step.
    pub wall: Time,
}
