//! Timers as keyed state: setting moves, clearing forgets, nothing stale ever fires.

use alloc::collections::{BTreeMap, BTreeSet};

/// When which timer is due. `T` is [`Instant`](crate::Instant) for local timers and
/// [`GroupTime`](ais_types::GroupTime) for replicated ones.
#[derive(Clone, Debug)]
pub struct Timers<T, K> {
    due: BTreeMap<K, T>,
    order: BTreeSet<(T, K)>,
}

impl<T: Copy + Ord, K: Clone + Ord> Timers<T, K> {
    /// No timer.
    #[must_use]
    pub const fn new() -> Self {
        Self { due: BTreeMap::new(), order: BTreeSet::new() }
    }

    /// Sets or moves a timer.
    pub fn set(&mut self, key: K, at: T) {
        self.clear(&key);
        self.order.insert((at, key.clone()));
        self.due.insert(key, at);
    }

    /// Forgets a timer.
    pub fn clear(&mut self, key: &K) {
        if let Some(at) = self.due.remove(key) {
            self.order.remove(&(at, key.clone()));
        }
    }

    /// Whether the timer is set, and to when.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<T> {
        self.due.get(key).copied()
    }

    /// When the next one is due.
    #[must_use]
    pub fn next(&self) -> Option<T> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Takes out the next one that is due at `now`.
    pub fn pop_due(&mut self, now: T) -> Option<K> {
        if self.next()? > now {
            return None;
        }
        let (_, key) = self.order.pop_first()?;
        self.due.remove(&key);
        Some(key)
    }
}

impl<T: Copy + Ord, K: Clone + Ord> Default for Timers<T, K> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fires_in_order_of_time_and_not_before() {
        let mut timers = Timers::new();
        timers.set("late", 20);
        timers.set("early", 10);
        timers.set("moved", 5);
        timers.set("moved", 30);
        timers.set("gone", 1);
        timers.clear(&"gone");
        assert_eq!(timers.pop_due(9), None);
        assert_eq!(timers.pop_due(20), Some("early"));
        assert_eq!(timers.pop_due(20), Some("late"));
        assert_eq!(timers.pop_due(20), None);
        assert_eq!(timers.next(), Some(30));
    }
}
