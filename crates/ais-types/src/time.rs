//! Two clocks: the specification's `SaTimeT`, and the group's own monotonic time.

use core::{fmt, time::Duration};
use serde::{Deserialize, Serialize};

/// `SaTimeT`: nanoseconds, as a duration or since 1970-01-01 00:00 UTC (`SAI-AIS-B.05.03 §3.3.6`).
#[doc(alias = "SaTimeT")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(pub i64);

impl Time {
    /// The beginning of time, and no duration at all.
    pub const BEGIN: Self = Self(0);
    /// As a duration: without limit. As a moment: never.
    #[doc(alias = "SA_TIME_MAX")]
    pub const END: Self = Self(i64::MAX);
    /// Not known.
    pub const UNKNOWN: Self = Self(i64::MIN);
    /// A thousandth of a second.
    pub const ONE_MILLISECOND: Self = Self(1_000_000);
    /// A second.
    pub const ONE_SECOND: Self = Self(1_000_000_000);

    /// The duration, or `None` for one without limit. Negative durations count as none at all.
    #[must_use]
    pub const fn limit(self) -> Option<Duration> {
        match self.0 {
            i64::MAX => None,
            negative if negative < 0 => Some(Duration::ZERO),
            nanos => Some(Duration::from_nanos(nanos.unsigned_abs())),
        }
    }

    /// This moment, later by `duration`; saturates at [`Time::END`].
    #[must_use]
    pub const fn plus(self, duration: Self) -> Self {
        Self(self.0.saturating_add(duration.0))
    }
}

impl From<Duration> for Time {
    fn from(duration: Duration) -> Self {
        Self(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::END => f.write_str("END"),
            Self::UNKNOWN => f.write_str("UNKNOWN"),
            Self(nanos) => write!(f, "{nanos}ns"),
        }
    }
}

/// The group's own time: monotonic, given by the leader, continued after a leader change.
///
/// Replicated timers run on it, and on nothing else.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct GroupTime(pub u64);

impl GroupTime {
    /// This moment, later by `duration`; `None` when there is no limit to it.
    #[must_use]
    pub fn after(self, duration: Time) -> Option<Self> {
        let limit = u64::try_from(duration.limit()?.as_nanos()).unwrap_or(u64::MAX);
        Some(Self(self.0.saturating_add(limit)))
    }
}

impl fmt::Display for GroupTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "g+{:?}", Duration::from_nanos(self.0))
    }
}
