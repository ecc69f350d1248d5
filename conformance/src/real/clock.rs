//! Real time, in one place.

use std::time::{Duration, Instant};

/// The moment so much later than now.
#[expect(clippy::disallowed_methods, reason = "real clusters are waited for in real time")]
pub(super) fn after(time: Duration) -> Instant {
    Instant::now() + time
}

/// Lets time pass.
#[expect(clippy::disallowed_methods, reason = "a scenario asks for it, or a condition is polled")]
pub(super) fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// Asks again and again until the answer is yes; `false` when the time is up.
pub(super) fn until(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let end = after(limit);
    loop {
        if condition() {
            return true;
        }
        if after(Duration::ZERO) >= end {
            return false;
        }
        pause(Duration::from_millis(10));
    }
}
