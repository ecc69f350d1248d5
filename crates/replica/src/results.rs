//! Which requests were done, and what they were answered: so that none is done twice.

use crate::{Content, Part, Place};
use ais_types::MemberId;
use alloc::{collections::BTreeMap, vec::Vec};

/// What each requester has had done. The same on every complete replica after the same updates.
#[derive(Clone, Debug)]
pub(crate) struct Results<C: Content> {
    requesters: BTreeMap<MemberId, Requester<C>>,
}

#[derive(Clone, Debug)]
struct Requester<C: Content> {
    next: u64,
    done: u64,
    stored: BTreeMap<u64, Stored<C>>,
}

/// A stored answer.
#[derive(Clone, Debug)]
pub(crate) struct Stored<C: Content> {
    /// The update's number in the history.
    pub(crate) number: u64,
    /// Where it was applied first.
    pub(crate) place: Place,
    /// What it is answered.
    pub(crate) answer: C::Answer,
}

impl<C: Content> Results<C> {
    pub(crate) const fn new() -> Self {
        Self { requesters: BTreeMap::new() }
    }

    /// The number that the requester's next new request has.
    pub(crate) fn next(&self, requester: MemberId) -> u64 {
        self.requesters.get(&requester).map_or(1, |it| it.next)
    }

    /// The answer of a request done before; `None` when the requester has said that it has it.
    pub(crate) fn get(&self, requester: MemberId, request: u64) -> Option<&Stored<C>> {
        self.requesters.get(&requester)?.stored.get(&request)
    }

    /// Keeps an answer, and forgets those that the requester has.
    pub(crate) fn store(
        &mut self,
        requester: MemberId,
        request: u64,
        done: u64,
        stored: Stored<C>,
    ) {
        let it = self.requester(requester);
        it.next = it.next.max(request + 1);
        it.stored.insert(request, stored);
        it.done = it.done.max(done);
        it.stored = it.stored.split_off(&(it.done + 1));
    }

    /// Forgets a requester that is gone.
    pub(crate) fn forget(&mut self, requester: MemberId) {
        self.requesters.remove(&requester);
    }

    /// Everything, in pieces for a transfer.
    pub(crate) fn parts(&self) -> Vec<Part<C>> {
        let mut parts = Vec::new();
        for (&requester, it) in &self.requesters {
            parts.push(Part::Requester { requester, next: it.next, done: it.done });
            parts.extend(it.stored.iter().map(|(&request, stored)| Part::Stored {
                requester,
                request,
                number: stored.number,
                place: stored.place,
                answer: stored.answer.clone(),
            }));
        }
        parts
    }

    /// Takes in [`Part::Requester`]. Updates may have moved the requester on before.
    pub(crate) fn absorb_requester(&mut self, requester: MemberId, next: u64, done: u64) {
        let it = self.requester(requester);
        it.next = it.next.max(next);
        it.done = it.done.max(done);
    }

    /// Takes in [`Part::Stored`].
    pub(crate) fn absorb_stored(&mut self, requester: MemberId, request: u64, stored: Stored<C>) {
        let it = self.requester(requester);
        if request > it.done {
            it.stored.entry(request).or_insert(stored);
        }
    }

    fn requester(&mut self, requester: MemberId) -> &mut Requester<C> {
        self.requesters.entry(requester).or_insert_with(|| Requester {
            next: 1,
            done: 0,
            stored: BTreeMap::new(),
        })
    }
}
