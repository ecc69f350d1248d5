//! What is closed stays for its retention time, with what is in it, and no longer.
//!
//! Times are those of who closes and opens: the close took effect between its call and its answer,
//! and so did the open.

use super::Ledger;
use std::time::Duration;

/// How late what is over may go while things are being broken.
const SLACK: Duration = Duration::from_secs(12);
/// How late when all is well.
const SLACK_IN_CALM: Duration = Duration::from_millis(500);
/// How long after the last fault all is well.
const CALMING: Duration = Duration::from_secs(6);

/// A close that was the last one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Closed {
    /// What it stays for.
    pub(crate) retention: Duration,
    /// When it was asked for.
    pub(crate) asked: Duration,
    /// When it was answered.
    pub(crate) answered: Duration,
}

/// What an open, or an unlink, must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Must {
    /// It is still there.
    There,
    /// It is gone.
    Gone,
    /// It may be either.
    Either,
}

impl Closed {
    /// What a call must find that is asked and answered then.
    fn must(self, asked: Duration, answered: Duration, calm: Option<Duration>) -> Must {
        let quiet = calm.is_some_and(|since| since + CALMING <= self.asked);
        let slack = if quiet { SLACK_IN_CALM } else { SLACK };
        if answered < self.asked + self.retention {
            Must::There
        } else if self.retention.is_zero() || asked > self.answered + self.retention + slack {
            Must::Gone
        } else {
            Must::Either
        }
    }
}

impl Ledger {
    /// Somebody looked for what was closed, and it was there, or not.
    pub(crate) fn found(
        &mut self,
        closed: Closed,
        asked: Duration,
        answered: Duration,
        there: bool,
    ) -> Result<(), String> {
        self.revisits += 1;
        match (closed.must(asked, answered, self.calm), there) {
            (Must::There, false) => Err(format!("it is gone before its time: {closed:?}")),
            (Must::Gone, true) => Err(format!("it is there after its time: {closed:?}")),
            (Must::There | Must::Gone | Must::Either, _) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn it_must_stay_for_its_time_and_not_much_longer() {
        let closed = Closed { retention: seconds(2), asked: seconds(10), answered: seconds(11) };
        assert_eq!(closed.must(seconds(11), Duration::from_millis(11_999), None), Must::There);
        assert_eq!(closed.must(seconds(11), seconds(12), None), Must::Either);
        assert_eq!(closed.must(seconds(24), seconds(24), None), Must::Either);
        assert_eq!(closed.must(seconds(26), seconds(26), None), Must::Gone);
        assert_eq!(closed.must(seconds(14), seconds(14), Some(seconds(4))), Must::Gone);
        assert_eq!(closed.must(seconds(14), seconds(14), Some(seconds(5))), Must::Either);
    }

    #[test]
    fn without_retention_it_goes_with_the_close() {
        let closed = Closed { retention: seconds(0), asked: seconds(10), answered: seconds(11) };
        assert_eq!(closed.must(seconds(11), seconds(11), None), Must::Gone);
    }
}
