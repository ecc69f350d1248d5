//! The queue of deliveries from an engine to the member's owner.

use crate::{Delivery, GroupError};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::{mpsc, oneshot};

/// Whoever waits for an order of his own to be delivered.
pub(crate) type Waiter = oneshot::Sender<Result<(), GroupError>>;

#[derive(Debug)]
enum Item {
    Tell(Delivery),
    /// Everything before it has been handled: the owner came back for more.
    Done(Waiter),
}

/// The engine's end.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    items: mpsc::UnboundedSender<Item>,
    waiting: Arc<AtomicUsize>,
}

/// The owner's end.
#[derive(Debug)]
pub(crate) struct Reader {
    items: mpsc::UnboundedReceiver<Item>,
    waiting: Arc<AtomicUsize>,
    ended: bool,
}

/// A queue with nothing in it. Its bound is the engine's business: see [`Feed::waiting`].
pub(crate) fn feed() -> (Feed, Reader) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    let reader = Reader { items: receiver, waiting: waiting.clone(), ended: false };
    (Feed { items: sender, waiting }, reader)
}

impl Feed {
    /// Tells the owner. If he is gone, nobody is told.
    pub(crate) fn tell(&self, delivery: Delivery) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let _ = self.items.send(Item::Tell(delivery));
    }

    /// Answers `waiter` as soon as all that was told before has been handled.
    pub(crate) fn done(&self, waiter: Waiter) {
        let _ = self.items.send(Item::Done(waiter));
    }

    /// How many deliveries the owner has not taken yet.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Whether there is an owner.
    pub(crate) fn is_closed(&self) -> bool {
        self.items.is_closed()
    }
}

impl Reader {
    /// The next delivery. Dropping the future loses none.
    pub(crate) async fn next(&mut self) -> Option<Delivery> {
        while !self.ended {
            match self.items.recv().await {
                None => self.ended = true,
                Some(Item::Done(waiter)) => drop(waiter.send(Ok(()))),
                Some(Item::Tell(delivery)) => {
                    self.waiting.fetch_sub(1, Ordering::Relaxed);
                    self.ended = matches!(delivery, Delivery::Left(_) | Delivery::Refused(_));
                    return Some(delivery);
                }
            }
        }
        // Who still waits hears that this incarnation is out.
        self.items.close();
        while self.items.try_recv().is_ok() {}
        None
    }
}
