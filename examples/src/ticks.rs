//! One thread that waits for callbacks of several services and for the next tick, whichever is
//! first: an event loop over selection objects.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::{
    os::fd::BorrowedFd,
    time::{Duration, Instant},
};

/// A tick in regular distance, however long the work between takes.
#[derive(Debug)]
pub(crate) struct Ticks {
    every: Duration,
    next: Instant,
}

impl Ticks {
    pub(crate) fn every(every: Duration) -> Self {
        Self { every, next: now() }
    }

    /// Begins anew: the next tick is now.
    pub(crate) fn restart(&mut self) {
        self.next = now();
    }

    /// Whether a tick is due; each is told once.
    pub(crate) fn due(&mut self) -> bool {
        let due = self.next <= now();
        if due {
            // A tick missed by far (the process was stopped) is not made up for.
            self.next = (self.next + self.every).max(now());
        }
        due
    }

    /// Waits until one of the selection objects is readable, or for the next tick if `ticking`.
    pub(crate) fn wait(&self, objects: &[BorrowedFd<'_>], ticking: bool) {
        let rest = self.next.saturating_duration_since(now());
        let rest =
            Timespec { tv_sec: rest.as_secs().cast_signed(), tv_nsec: rest.subsec_nanos().into() };
        let mut objects: Vec<PollFd<'_>> =
            objects.iter().map(|it| PollFd::new(it, PollFlags::IN)).collect();
        // A signal that interrupts the wait only lets the caller look once more.
        let _interrupted = poll(&mut objects, ticking.then_some(&rest));
    }
}

#[expect(clippy::disallowed_methods, reason = "a program in the field has a clock")]
fn now() -> Instant {
    Instant::now()
}
