//! How long to wait for the next instance, and when there is none any more.

use crate::{BackOff, GiveUp, Limit, Options, sys::monotonic_ns};
use std::{collections::VecDeque, time::Duration};

/// The memory of failures.
#[derive(Debug)]
pub(super) struct Patience {
    back_off: Option<BackOff>,
    limit: Option<Limit>,
    /// When restarts were made; never more than the limit.
    restarts: VecDeque<u64>,
    /// How often in a row an instance failed too early to count as well.
    early: u32,
    born_ns: u64,
}

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The next instance, after this wait.
    After(Duration),
    GiveUp(GiveUp),
}

impl Patience {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            back_off: options.back_off,
            limit: options.limit,
            restarts: VecDeque::new(),
            early: 0,
            born_ns: monotonic_ns(),
        }
    }

    /// An instance begins.
    pub(super) fn born(&mut self, now_ns: u64) {
        self.born_ns = now_ns;
    }

    /// An instance has failed.
    pub(super) fn failed(&mut self, now_ns: u64) -> Next {
        if let Some(limit) = self.limit {
            let since = now_ns.saturating_sub(nanoseconds(limit.within));
            while self.restarts.front().is_some_and(|at| *at < since) {
                self.restarts.pop_front();
            }
            if self.restarts.len() >= limit.restarts as usize {
                return Next::GiveUp(limit.then);
            }
            self.restarts.push_back(now_ns);
        }
        let Some(back_off) = self.back_off else { return Next::After(Duration::ZERO) };
        let lived = Duration::from_nanos(now_ns.saturating_sub(self.born_ns));
        if lived >= back_off.reset_after {
            self.early = 0;
        }
        let doubled = 2_u32.checked_pow(self.early).and_then(|it| back_off.first.checked_mul(it));
        self.early = self.early.saturating_add(1);
        Next::After(doubled.unwrap_or(back_off.longest).min(back_off.longest))
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn milliseconds(next: Next) -> Option<u128> {
        match next {
            Next::After(wait) => Some(wait.as_millis()),
            Next::GiveUp(_) => None,
        }
    }

    #[test]
    fn waits_double_up_to_the_longest_and_begin_anew_after_a_good_life() {
        let back_off = BackOff {
            first: Duration::from_millis(10),
            longest: Duration::from_millis(50),
            reset_after: Duration::from_secs(1),
        };
        let mut patience =
            Patience::new(&Options { back_off: Some(back_off), ..Options::default() });
        patience.born(0);
        let waits: Vec<_> = (0..5).map(|_| milliseconds(patience.failed(MS))).collect();
        assert_eq!(waits, [Some(10), Some(20), Some(40), Some(50), Some(50)]);
        assert_eq!(milliseconds(patience.failed(1000 * MS)), Some(10));
        patience.born(1000 * MS);
        let many: Vec<_> = (0..100).map(|_| milliseconds(patience.failed(1001 * MS))).collect();
        assert_eq!(many[99], Some(50));
    }

    #[test]
    fn so_many_restarts_in_so_long_and_no_more() {
        let limit =
            Limit { restarts: 2, within: Duration::from_millis(100), then: GiveUp::MarkFailed };
        let mut patience = Patience::new(&Options { limit: Some(limit), ..Options::default() });
        let at = [0, 50, 120, 140, 230];
        let next: Vec<_> = at.iter().map(|at| patience.failed(at * MS)).collect();
        let again = Next::After(Duration::ZERO);
        let given_up = Next::GiveUp(GiveUp::MarkFailed);
        // At 120 only the restart at 50 is younger than 100; at 140 those at 50 and 120 are.
        assert_eq!(next, [again, again, again, given_up, again]);
    }

    #[test]
    fn without_options_it_is_tried_for_ever_and_at_once() {
        let mut patience = Patience::new(&Options::default());
        assert!((0..1000).all(|at| patience.failed(at) == Next::After(Duration::ZERO)));
    }
}
