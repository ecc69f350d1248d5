//! When this machine was booted.

use ais_types::Time;
use rustix::time::{ClockId, Timespec, clock_gettime};

/// When the operating system of this machine was booted (wall clock): what CLM tells of a node.
///
/// To the second, since a wall clock that is kept right moves against the one since boot.
#[must_use]
pub fn boot_time() -> Time {
    let nanos = |it: Timespec| i128::from(it.tv_sec) * 1_000_000_000 + i128::from(it.tv_nsec);
    let booted = nanos(clock_gettime(ClockId::Realtime)) - nanos(clock_gettime(ClockId::Boottime));
    let seconds = i64::try_from(booted / 1_000_000_000).unwrap_or(0).max(0);
    Time(seconds.saturating_mul(Time::ONE_SECOND.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn it_is_what_the_kernel_says() {
        let stat = fs::read_to_string("/proc/stat").expect("Linux has one");
        let line = stat.lines().find_map(|it| it.strip_prefix("btime "));
        let said: i64 = line.and_then(|it| it.trim().parse().ok()).expect("seconds");
        let ours = boot_time().0 / Time::ONE_SECOND.0;
        assert!((said - ours).abs() <= 2, "the kernel says {said}, we say {ours}");
    }
}
