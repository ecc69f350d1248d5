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
        // A quarter of less than 4 ms would be no wait at all.
        let pause = Duration::from_millis((u64::try_from(interval).unwrap_or(0) / 4).max(1));
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
