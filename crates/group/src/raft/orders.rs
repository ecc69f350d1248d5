//! What this member has ordered and not yet seen delivered.

use super::state::{Item, What};
use crate::{Priority, feed::Waiter, room::Place};
use std::collections::{BTreeMap, VecDeque};
use tokio::time::Instant;

/// A batch takes no more payload than this, unless a single item has more.
const BATCH_BYTES: usize = 256 << 10;
/// A batch takes no more items than this.
const BATCH_ITEMS: usize = 1024;

/// Which way orders go: what a recovery plug holds back does not stand in the way of the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lane {
    Recovery,
    Ordinary,
}

impl Lane {
    pub(crate) const ALL: [Self; 2] = [Self::Recovery, Self::Ordinary];

    pub(crate) fn of(priority: Priority) -> Self {
        if priority.flows_always() { Self::Recovery } else { Self::Ordinary }
    }
}

/// Own orders: queued, numbered, and one batch of them on its way in each lane.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    numbers: BTreeMap<Priority, u64>,
    waiters: BTreeMap<(Priority, u64), (Waiter, Place)>,
    recovery: Queue,
    ordinary: Queue,
}

/// The orders of one lane.
#[derive(Debug, Default)]
struct Queue {
    queued: BTreeMap<Priority, VecDeque<Item>>,
    batch: VecDeque<Item>,
    /// When the batch was last sent; `None` if it is to be sent.
    sent: Option<Instant>,
    /// It was refused: not again before this.
    not_before: Option<Instant>,
}

impl Orders {
    /// Takes an order.
    pub(crate) fn put(&mut self, priority: Priority, what: What, waiter: Waiter, place: Place) {
        let number = self.numbers.entry(priority).or_insert(0);
        *number += 1;
        let number = *number;
        self.waiters.insert((priority, number), (waiter, place));
        let item = Item { priority, number, what };
        let queue = self.queue(Lane::of(priority));
        queue.queued.entry(priority).or_default().push_back(item);
    }

    /// One order has been delivered: whoever waits for it.
    pub(crate) fn through(&mut self, priority: Priority, number: u64) -> Option<Waiter> {
        self.queue(Lane::of(priority)).through(priority, number);
        self.waiters.remove(&(priority, number)).map(|(waiter, _)| waiter)
    }

    /// The batch to send now: the one on its way if it is to be sent again, or the next one.
    pub(crate) fn next_batch(&mut self, lane: Lane, now: Instant) -> Option<Vec<Item>> {
        self.queue(lane).next_batch(now)
    }

    /// What is on its way is to be sent again: the leader changed.
    pub(crate) fn again(&mut self) {
        Lane::ALL.iter().for_each(|lane| self.again_in(*lane));
    }

    /// The batch of this lane is to be sent again.
    pub(crate) fn again_in(&mut self, lane: Lane) {
        let queue = self.queue(lane);
        (queue.sent, queue.not_before) = (None, None);
    }

    /// The batch was refused: it is to be sent again then.
    pub(crate) fn refused(&mut self, lane: Lane, again: Instant) {
        let queue = self.queue(lane);
        (queue.sent, queue.not_before) = (None, Some(again));
    }

    /// Batches are to be sent again if that was not after this.
    pub(crate) fn again_if_older(&mut self, than: Instant) {
        for lane in Lane::ALL {
            let queue = self.queue(lane);
            if queue.sent.is_some_and(|sent| sent <= than) {
                queue.sent = None;
            }
        }
    }

    fn queue(&mut self, lane: Lane) -> &mut Queue {
        match lane {
            Lane::Recovery => &mut self.recovery,
            Lane::Ordinary => &mut self.ordinary,
        }
    }
}

impl Queue {
    fn through(&mut self, priority: Priority, number: u64) {
        // They go through in the order of the batch.
        while self.batch.front().is_some_and(|it| it.priority == priority && it.number <= number) {
            self.batch.pop_front();
        }
        if self.batch.is_empty() {
            self.sent = None;
        }
    }

    fn next_batch(&mut self, now: Instant) -> Option<Vec<Item>> {
        if self.sent.is_some() || self.not_before.is_some_and(|it| it > now) {
            return None;
        }
        if self.batch.is_empty() {
            self.fill();
        }
        self.sent = (!self.batch.is_empty()).then_some(now);
        self.sent.map(|_| self.batch.iter().cloned().collect())
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
    use crate::room::Room;
    use futures::FutureExt;
    use tokio::sync::oneshot;

    fn put(orders: &mut Orders, priority: Priority) {
        let place = Room::new().place(0).now_or_never().flatten();
        orders.put(priority, What::Barrier, oneshot::channel().0, place.expect("there is room"));
    }

    #[tokio::test]
    async fn lanes_do_not_wait_for_each_other() {
        let (mut orders, now) = (Orders::default(), Instant::now());
        put(&mut orders, Priority::Medium);
        put(&mut orders, Priority::Recovery);
        for lane in Lane::ALL {
            assert_eq!(orders.next_batch(lane, now).map(|it| it.len()), Some(1));
            assert_eq!(orders.next_batch(lane, now), None);
        }
        orders.again_in(Lane::Ordinary);
        assert_eq!(orders.next_batch(Lane::Recovery, now), None);
        assert!(orders.next_batch(Lane::Ordinary, now).is_some());
    }

    #[tokio::test]
    async fn one_batch_is_on_its_way_and_the_next_takes_what_queued_meanwhile() {
        let (mut orders, now) = (Orders::default(), Instant::now());
        put(&mut orders, Priority::Low);
        let first = orders.next_batch(Lane::Ordinary, now).unwrap();
        put(&mut orders, Priority::Low);
        put(&mut orders, Priority::High);
        assert_eq!(orders.next_batch(Lane::Ordinary, now), None);
        orders.again();
        assert_eq!(orders.next_batch(Lane::Ordinary, now), Some(first));
        assert!(orders.through(Priority::Low, 1).is_some());
        let numbers = |batch: Vec<Item>| -> Vec<_> {
            batch.iter().map(|item| (item.priority, item.number)).collect()
        };
        let second = numbers(orders.next_batch(Lane::Ordinary, now).unwrap());
        assert_eq!(second, [(Priority::High, 1), (Priority::Low, 2)]);
    }
}
