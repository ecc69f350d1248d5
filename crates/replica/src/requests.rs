//! What this node's programs have asked of an object and not been answered yet.

use crate::{Content, RequestId, message::weight};
use alloc::{
    collections::{BTreeMap, VecDeque},
    vec::Vec,
};

/// The requester's side: numbers, window, and what to say again.
#[derive(Clone, Debug)]
pub(crate) struct Requests<C: Content> {
    /// The number of the next update.
    next: u64,
    /// Not numbered yet: nobody has heard of them.
    waiting: VecDeque<(RequestId, C::Update)>,
    /// Numbered and not answered.
    sent: BTreeMap<u64, Sent<C>>,
    /// What `sent` weighs together.
    weight: usize,
    next_ask: u64,
    /// Queries and synchronisations not answered yet.
    asks: BTreeMap<u64, Ask<C>>,
}

#[derive(Clone, Debug)]
struct Sent<C: Content> {
    /// `None`: nobody waits for it any more.
    id: Option<RequestId>,
    update: C::Update,
    weight: usize,
}

/// A query, or without one a synchronisation.
#[derive(Clone, Debug)]
pub(crate) struct Ask<C: Content> {
    pub(crate) id: RequestId,
    pub(crate) query: Option<C::Query>,
}

/// A numbered update on its way to the primary.
#[derive(Clone, Debug)]
pub(crate) struct Numbered<C: Content> {
    pub(crate) number: u64,
    /// The one before it that is not answered, or 0.
    pub(crate) previous: u64,
    pub(crate) done: u64,
    pub(crate) update: C::Update,
}

impl<C: Content> Requests<C> {
    pub(crate) const fn new() -> Self {
        Self {
            next: 1,
            waiting: VecDeque::new(),
            sent: BTreeMap::new(),
            weight: 0,
            next_ask: 1,
            asks: BTreeMap::new(),
        }
    }

    pub(crate) fn push(&mut self, id: RequestId, update: C::Update) {
        self.waiting.push_back((id, update));
    }

    /// Numbers and returns the next update that the window has room for.
    pub(crate) fn pop(&mut self, count_max: u64, weight_max: usize) -> Option<Numbered<C>> {
        let oldest = self.done() + 1;
        if self.next - oldest >= count_max || self.weight >= weight_max {
            return None;
        }
        let (id, mut update) = self.waiting.pop_front()?;
        let number = self.next;
        self.next += 1;
        let weight = weight(&mut update);
        self.weight += weight;
        let previous = self.sent.keys().next_back().map_or(0, |it| *it);
        self.sent.insert(number, Sent { id: Some(id), update: update.clone(), weight });
        Some(Numbered { number, previous, done: self.done(), update })
    }

    /// Everything numbered and not answered, in order.
    pub(crate) fn again(&self) -> Vec<Numbered<C>> {
        let done = self.done();
        let mut previous = 0;
        let mut numbered = Vec::new();
        for (&number, sent) in &self.sent {
            numbered.push(Numbered { number, previous, done, update: sent.update.clone() });
            previous = number;
        }
        numbered
    }

    /// An answer is there: whose it is, if anybody still waits. `None`: it is a repetition.
    pub(crate) fn answered(&mut self, number: u64) -> Option<Option<RequestId>> {
        let sent = self.sent.remove(&number)?;
        self.weight -= sent.weight;
        Some(sent.id)
    }

    pub(crate) fn push_ask(&mut self, id: RequestId, query: Option<C::Query>) -> u64 {
        let ask = self.next_ask;
        self.next_ask += 1;
        self.asks.insert(ask, Ask { id, query });
        ask
    }

    pub(crate) fn ask(&self, ask: u64) -> Option<&Ask<C>> {
        self.asks.get(&ask)
    }

    pub(crate) fn asks(&self) -> Vec<u64> {
        self.asks.keys().copied().collect()
    }

    pub(crate) fn told(&mut self, ask: u64) -> Option<RequestId> {
        self.asks.remove(&ask).map(|it| it.id)
    }

    /// Nobody waits for it any more. An update that nobody has heard of is not done.
    pub(crate) fn cancel(&mut self, id: RequestId) {
        self.waiting.retain(|it| it.0 != id);
        self.asks.retain(|_, it| it.id != id);
        for sent in self.sent.values_mut().filter(|it| it.id == Some(id)) {
            sent.id = None;
        }
    }

    /// Whoever waits, in the order of asking: updates first.
    pub(crate) fn outstanding(&self) -> impl Iterator<Item = RequestId> {
        let sent = self.sent.values().filter_map(|it| it.id);
        let waiting = self.waiting.iter().map(|it| it.0);
        sent.chain(waiting).chain(self.asks.values().map(|it| it.id))
    }

    /// All requests up to here are answered.
    fn done(&self) -> u64 {
        self.sent.keys().next().map_or(self.next, |it| *it) - 1
    }
}
