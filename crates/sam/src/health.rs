//! The thread that says how the program is, when it is asked.

use crate::{Error, raw, sys::Signals};
use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// Says how the program is: 0 for well.
pub type Callback = Arc<dyn Fn() -> i32 + Send + Sync>;

/// As much as the original gives it.
pub(crate) const STACK_OF_C: usize = 32 << 10;

/// A callback in Rust may be somewhat deeper.
pub(crate) const STACK_OF_RUST: usize = 256 << 10;

/// Heartbeats an interval; the last of them asks the callback.
const BEATS: u32 = 4;

/// The thread of one instance.
pub(crate) struct Health {
    shared: Arc<Shared>,
}

struct Shared {
    control: Mutex<Control>,
    changed: Condvar,
}

struct Control {
    running: bool,
    callback: Option<Callback>,
}

impl Health {
    pub(crate) fn start(interval: i32, callback: Callback, stack: usize) -> Result<Self, Error> {
        let control = Mutex::new(Control { running: false, callback: Some(callback) });
        let shared = Arc::new(Shared { control, changed: Condvar::new() });
        let pause = pause(interval);
        let theirs = Arc::clone(&shared);
        // Born with signals blocked: handlers are the program's, and belong into its own threads. Not
        // SIGPIPE, which ends an instance without a supervisor.
        let mask = Signals::from_outside().without(libc::SIGPIPE).block();
        let thread = thread::Builder::new().name("sam-health".to_owned()).stack_size(stack);
        let born = thread.spawn(move || beat(&theirs, pause));
        mask.restore();
        born.map_err(Error::Thread)?;
        Ok(Self { shared })
    }

    pub(crate) fn run(&self) {
        self.shared.lock().running = true;
        self.shared.changed.notify_one();
    }

    pub(crate) fn pause(&self) {
        self.shared.lock().running = false;
        self.shared.changed.notify_one();
    }

    pub(crate) fn replace(&self, callback: Option<Callback>) {
        self.shared.lock().callback = callback;
        self.shared.changed.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Control> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is something to do, and then so long; the callback as of then.
    fn wait(&self, pause: Duration) -> Callback {
        let mut control = self.lock();
        loop {
            match (&control.callback, control.running) {
                (Some(_), true) => {}
                (None, _) | (_, false) => {
                    control = self.changed.wait(control).unwrap_or_else(PoisonError::into_inner);
                    continue;
                }
            }
            let waited = self.changed.wait_timeout(control, pause);
            let (after, wait) = waited.unwrap_or_else(PoisonError::into_inner);
            control = after;
            if let (Some(callback), true, true) =
                (&control.callback, control.running, wait.timed_out())
            {
                return Arc::clone(callback);
            }
        }
    }
}

/// How long to wait between two heartbeats: a quarter of the interval, in whole milliseconds. A quarter of
/// less than 4 ms would be no wait at all.
fn pause(interval: i32) -> Duration {
    let quarter = u64::try_from(interval).unwrap_or(0) / u64::from(BEATS);
    Duration::from_millis(quarter.max(1))
}

/// Returns when the program is not well: this instance says nothing good any more.
fn beat(shared: &Shared, pause: Duration) {
    let mut beats = 0;
    loop {
        let callback = shared.wait(pause);
        // Stopped meanwhile, or the supervisor is gone: it does not count.
        if raw::hc_send().is_err() {
            continue;
        }
        beats += 1;
        if beats == BEATS {
            beats = 0;
            if callback() != 0 {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beat_each_quarter_of_the_interval_and_never_without_a_wait() {
        let pauses = [-5, 1, 3, 4, 7, 8, 100, 2000, i32::MAX].map(|it| pause(it).as_millis());
        assert_eq!(pauses, [1, 1, 1, 1, 1, 2, 25, 500, 536_870_911]);
    }
}
