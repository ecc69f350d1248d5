//! What this node's programs have asked of an object and not been answered yet.

use crate::{Content, Place, RequestId, message::weight};
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
    /// Answered, and not on every complete replica: the primary may be lost with them.
    kept: BTreeMap<u64, Kept<C>>,
    /// What `sent` and `kept` weigh together.
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

#[derive(Clone, Debug)]
struct Kept<C: Content> {
    place: Place,
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
    /// Where it was applied first, if it was answered before.
    pub(crate) place: Option<Place>,
    pub(crate) update: C::Update,
}

impl<C: Content> Requests<C> {
    pub(crate) const fn new() -> Self {
        Self {
            next: 1,
            waiting: VecDeque::new(),
            sent: BTreeMap::new(),
            kept: BTreeMap::new(),
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
        let oldest = self.sent.keys().next().map_or(self.next, |it| *it);
        if self.next - oldest >= count_max || self.weight >= weight_max {
            return None;
        }
        let (id, mut update) = self.waiting.pop_front()?;
        let number = self.next;
        self.next += 1;
        let weight = weight(&mut update);
        self.weight += weight;
        let last = |it: Option<&u64>| it.copied().unwrap_or(0);
        let previous = last(self.sent.keys().next_back()).max(last(self.kept.keys().next_back()));
        self.sent.insert(number, Sent { id: Some(id), update: update.clone(), weight });
        Some(Numbered { number, previous, done: self.done(), place: None, update })
    }

    /// Everything numbered and not answered, in order.
    pub(crate) fn again(&self) -> Vec<Numbered<C>> {
        let done = self.done();
        let mut numbered = Vec::new();
        for (&number, sent) in &self.sent {
            let kept = self.kept.range(..number).next_back().map_or(0, |it| *it.0);
            let sent_before = numbered.last().map_or(0, |it: &Numbered<C>| it.number);
            let previous = kept.max(sent_before);
            let update = sent.update.clone();
            numbered.push(Numbered { number, previous, done, place: None, update });
        }
        numbered
    }

    /// Everything answered that may be lost with the primary, in order.
    pub(crate) fn kept(&self) -> Vec<Numbered<C>> {
        let done = self.done();
        let numbered = |(&number, it): (&u64, &Kept<C>)| {
            let (place, update) = (Some(it.place), it.update.clone());
            Numbered { number, previous: 0, done, place, update }
        };
        self.kept.iter().map(numbered).collect()
    }

    /// Every complete replica has what was answered up to this number.
    pub(crate) fn safe(&mut self, number: u64) {
        let unsafe_yet = self.kept.split_off(&(number + 1));
        let safe = core::mem::replace(&mut self.kept, unsafe_yet);
        self.weight -= safe.values().map(|it| it.weight).sum::<usize>();
    }

    /// Nothing that was answered is owed to anybody any more.
    pub(crate) fn disown(&mut self) {
        self.safe(u64::MAX - 1);
    }

    /// An answer is there: whose it is, if anybody still waits. `None`: it is a repetition.
    /// With a place the update is kept until it is [`safe`](Self::safe).
    pub(crate) fn answered(
        &mut self,
        number: u64,
        kept: Option<Place>,
    ) -> Option<Option<RequestId>> {
        let Sent { id, update, weight } = self.sent.remove(&number)?;
        match kept {
            Some(place) => {
                self.kept.insert(number, Kept { place, update, weight });
            }
            None => self.weight -= weight,
        }
        Some(id)
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

    /// Nobody waits for it any more. An update that nobody has heard of is not done. Returns the
    /// questions that were asked for it.
    pub(crate) fn cancel(&mut self, id: RequestId) -> Vec<u64> {
        self.waiting.retain(|it| it.0 != id);
        let asked: Vec<u64> =
            self.asks.iter().filter(|(_, it)| it.id == id).map(|it| *it.0).collect();
        asked.iter().for_each(|it| {
            self.asks.remove(it);
        });
        for sent in self.sent.values_mut().filter(|it| it.id == Some(id)) {
            sent.id = None;
        }
        asked
    }

    /// Whoever waits, in the order of asking: updates first.
    pub(crate) fn outstanding(&self) -> impl Iterator<Item = RequestId> {
        let sent = self.sent.values().filter_map(|it| it.id);
        let waiting = self.waiting.iter().map(|it| it.0);
        sent.chain(waiting).chain(self.asks.values().map(|it| it.id))
    }

    /// All requests up to here are answered, and safe.
    fn done(&self) -> u64 {
        let first = |it: Option<&u64>| it.copied().unwrap_or(self.next);
        first(self.sent.keys().next()).min(first(self.kept.keys().next())) - 1
    }
}
