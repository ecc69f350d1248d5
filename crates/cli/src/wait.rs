//! Waiting for what other processes do: looked for again and again until a deadline.

use std::{
    thread,
    time::{Duration, Instant},
};

/// How often one looks. Much shorter than anything that is measured by it.
const INTERVAL: Duration = Duration::from_millis(5);

/// It did not happen in time.
#[derive(Debug, thiserror::Error)]
#[error("{what} did not happen within {patience:?}")]
pub struct Overdue {
    /// What was waited for, and what was seen instead.
    pub what: String,
    /// For how long.
    pub patience: Duration,
}

/// Looks until there is something.
///
/// # Errors
/// When there is nothing for longer than `patience`.
#[expect(
    clippy::disallowed_methods,
    reason = "other processes' files and states have no event to wait for; the one such place"
)]
pub fn until<T>(
    what: impl Into<String>,
    patience: Duration,
    mut look: impl FnMut() -> Option<T>,
) -> Result<T, Overdue> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        if Instant::now() >= deadline {
            return Err(Overdue { what: what.into(), patience });
        }
        thread::sleep(INTERVAL);
    }
}

/// Measures how long something took.
#[derive(Clone, Copy, Debug)]
pub struct Watch(Instant);

impl Watch {
    /// Starts now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "a stop-watch for people")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
