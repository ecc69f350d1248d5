//! Room for orders that have not been delivered yet: who orders faster than the group delivers
//! waits for it.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How much one member may have ordered and not yet seen delivered, in kilobytes. An order takes
/// at least one, so this is also the number of the smallest.
const KILOBYTES: u32 = 64 << 10;

/// Room for orders. Clones are the same room.
#[derive(Clone, Debug)]
pub(crate) struct Room(Arc<Semaphore>);

/// What an order takes of it, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
}

impl Room {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(KILOBYTES as usize)))
    }

    /// Waits for a place for so many bytes: first come, first served. `None`: nothing is taken
    /// any more.
    pub(crate) async fn place(&self, bytes: usize) -> Option<Place> {
        let kilobytes = u32::try_from(bytes >> 10).unwrap_or(KILOBYTES).min(KILOBYTES - 1) + 1;
        let permit = self.0.clone().acquire_many_owned(kilobytes).await.ok()?;
        Some(Place { _permit: permit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[tokio::test]
    async fn who_orders_too_much_waits_in_turn() {
        let room = Room::new();
        let mut places = Vec::new();
        for _ in 0..63 {
            places.push(room.place((1 << 20) - 1).now_or_never().flatten().unwrap());
        }
        let mut large = Box::pin(room.place(1 << 20));
        assert!((&mut large).now_or_never().is_none(), "a kilobyte too much");
        let mut small = Box::pin(room.place(0));
        assert!((&mut small).now_or_never().is_none(), "it may not overtake");
        places.pop();
        assert!(large.now_or_never().is_some() && small.now_or_never().is_some());
    }
}
