//! The channel of one class of one node.

use super::{Network, world::Signals};
use crate::{Class, Event, Peer, SendError, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use std::{sync::Arc, time::Duration};
use tokio::{sync::futures::Notified, time::timeout_at};

/// The channel of one class of one node of a [`Network`].
#[derive(Debug)]
pub struct MemoryChannel {
    network: Network,
    me: Peer,
    class: Class,
    signals: Arc<Signals>,
}

impl MemoryChannel {
    pub(super) fn open(network: Network, me: Peer, class: Class) -> Self {
        let signals = Arc::new(Signals::default());
        network.change(|world, now| world.open(me, class, signals.clone(), now));
        Self { network, me, class, signals }
    }
}

/// Waits for a signal, but not longer than until then. Which of the two it was is seen by looking
/// again.
async fn wait(network: &Network, signal: Notified<'_>, until: Option<Duration>) {
    match until.and_then(|at| network.0.start.checked_add(at)) {
        Some(at) => drop(timeout_at(at, signal).await),
        None => signal.await,
    }
}

#[async_trait]
impl Transport for MemoryChannel {
    fn send(&mut self, to: Peer, frame: Bytes) -> Result<(), SendError> {
        self.network
            .change(|world, now| world.send(self.me, &self.signals, self.class, to, frame, now))
    }

    async fn next(&mut self) -> Option<Event> {
        loop {
            let next = self
                .network
                .change(|world, now| world.receive(self.me, &self.signals, self.class, now));
            match next {
                Next::Event(event) => return Some(event),
                Next::Wait(until) => {
                    wait(&self.network, self.signals.inbox.notified(), until).await
                }
                Next::Closed => return None,
            }
        }
    }

    fn ready(&self, to: Peer) -> BoxFuture<'static, ()> {
        let (network, signals) = (self.network.clone(), self.signals.clone());
        let (me, class) = (self.me, self.class);
        Box::pin(async move {
            loop {
                let signal = signals.room.notified();
                let blocked =
                    network.change(|world, now| world.blocked(me, &signals, class, to, now));
                match blocked {
                    Some(until) => wait(&network, signal, until).await,
                    None => return,
                }
            }
        })
    }
}

impl Drop for MemoryChannel {
    fn drop(&mut self) {
        self.network.change(|world, now| world.close(self.me, &self.signals, self.class, now));
    }
}

/// What a channel finds.
pub(super) enum Next {
    /// This.
    Event(Event),
    /// Nothing before then, unless signalled.
    Wait(Option<Duration>),
    /// It is no more.
    Closed,
}
