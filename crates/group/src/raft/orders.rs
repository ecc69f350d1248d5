//! What this member has ordered and not yet seen delivered.

use super::state::{Item, What};
use crate::{Priority, feed::Waiter};
use std::collections::{BTreeMap, VecDeque};
use tokio::time::Instant;

/// A batch takes no more payload than this, unless a single item has more.
const BATCH_BYTES: usize = 256 << 10;
/// A batch takes no more items than this.
const BATCH_ITEMS: usize = 1024;

/// Own orders: queued, numbered, and one batch of them on its way.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    queued: BTreeMap<Priority, VecDeque<Item>>,
    numbers: BTreeMap<Priority, u64>,
    waiters: BTreeMap<(Priority, u64), Waiter>,
    batch: VecDeque<Item>,
    /// When the batch was last sent; `None` if it is to be sent.
    sent: Option<Instant>,
    /// It was refused: not again before this.
    not_before: Option<Instant>,
}

impl Orders {
    /// Takes an order.
    pub(crate) fn put(&mut self, priority: Priority, what: What, waiter: Waiter) {
        let number = self.numbers.entry(priority).or_insert(0);
        *number += 1;
        self.waiters.insert((priority, *number), waiter);
        let item = Item { priority, number: *number, what };
        self.queued.entry(priority).or_default().push_back(item);
    }

    /// One order has been delivered: whoever waits for it.
    pub(crate) fn through(&mut self, priority: Priority, number: u64) -> Option<Waiter> {
        // They go through in the order of the batch.
        while self.batch.front().is_some_and(|it| it.priority == priority && it.number <= number) {
            self.batch.pop_front();
        }
        if self.batch.is_empty() {
            self.sent = None;
        }
        self.waiters.remove(&(priority, number))
    }

    /// The batch to send now: the one on its way if it is to be sent again, or the next one.
    pub(crate) fn next_batch(&mut self, now: Instant) -> Option<Vec<Item>> {
        if self.sent.is_some() || self.not_before.is_some_and(|it| it > now) {
            return None;
        }
        if self.batch.is_empty() {
            self.fill();
        }
        self.sent = (!self.batch.is_empty()).then_some(now);
        self.sent.map(|_| self.batch.iter().cloned().collect())
    }

    /// The batch is to be sent again: the leader changed.
    pub(crate) fn again(&mut self) {
        (self.sent, self.not_before) = (None, None);
    }

    /// The batch was refused: it is to be sent again then.
    pub(crate) fn refused(&mut self, again: Instant) {
        (self.sent, self.not_before) = (None, Some(again));
    }

    /// The batch is to be sent again if that was not after this.
    pub(crate) fn again_if_older(&mut self, than: Instant) {
        if self.sent.is_some_and(|sent| sent <= than) {
            self.sent = None;
        }
    }

    /// Takes what has queued, the urgent first.
    fn fill(&mut self) {
        let mut bytes = 0;
        for queue in self.queued.values_mut() {
            while let Some(item) = queue.front() {
                bytes += item.size();
                let full = bytes > BATCH_BYTES || self.batch.len() >= BATCH_ITEMS;
                if full && !self.batch.is_empty() {
                    return;
                }
                self.batch.extend(queue.pop_front());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    fn put(orders: &mut Orders, priority: Priority) {
        orders.put(priority, What::Barrier, oneshot::channel().0);
    }

    #[tokio::test]
    async fn one_batch_is_on_its_way_and_the_next_takes_what_queued_meanwhile() {
        let (mut orders, now) = (Orders::default(), Instant::now());
        put(&mut orders, Priority::Low);
        let first = orders.next_batch(now).unwrap();
        put(&mut orders, Priority::Low);
        put(&mut orders, Priority::High);
        assert_eq!(orders.next_batch(now), None);
        orders.again();
        assert_eq!(orders.next_batch(now), Some(first));
        assert!(orders.through(Priority::Low, 1).is_some());
        let numbers = |batch: Vec<Item>| -> Vec<_> {
            batch.iter().map(|item| (item.priority, item.number)).collect()
        };
        let second = numbers(orders.next_batch(now).unwrap());
        assert_eq!(second, [(Priority::High, 1), (Priority::Low, 2)]);
    }
}
