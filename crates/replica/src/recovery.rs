//! After the loss of a primary that answered alone: what it took with it is said again by those
//! whom it had answered, and applied in its old order before anything new.

use crate::{
    Acknowledge, Content, Message, Output, Place, Replica, primary::Leading, requests::Numbered,
};
use ais_types::MemberId;
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

/// What a new primary collects before it serves anybody.
#[derive(Clone, Debug)]
pub(crate) struct Recovery<C: Content> {
    /// Who has not said yet that it has said all.
    awaited: BTreeSet<MemberId>,
    /// What this copy lacks. A requester keeps no more than its window.
    lacking: BTreeMap<Place, (MemberId, Numbered<C>)>,
    /// Questions that came meanwhile.
    postponed: BTreeMap<(MemberId, u64), Option<C::Query>>,
}

impl<C: Content> Recovery<C> {
    pub(crate) fn collect(&mut self, from: MemberId, it: Numbered<C>) {
        // Others have nobody to whom it is owed.
        if let Some(place) = it.place.filter(|_| self.awaited.contains(&from)) {
            self.lacking.insert(place, (from, it));
        }
    }

    pub(crate) fn postpone(&mut self, from: MemberId, id: u64, query: Option<C::Query>) {
        self.postponed.insert((from, id), query);
    }

    pub(crate) fn withdraw(&mut self, from: MemberId, id: u64) {
        self.postponed.remove(&(from, id));
    }

    pub(crate) fn forget(&mut self, member: MemberId) {
        self.awaited.remove(&member);
        self.lacking.retain(|_, it| it.0 != member);
        self.postponed.retain(|it, _| it.0 != member);
    }
}

impl<C: Content> Replica<C> {
    /// This node begins to lead. Whoever hands over at once leaves it to its successor.
    pub(crate) fn begin_recovery(&mut self) {
        if self.options.acknowledge == Acknowledge::All || self.config.next().is_some() {
            return;
        }
        let mut awaited = self.requesters.clone();
        awaited.remove(&self.me);
        let mut lacking = BTreeMap::new();
        for it in self.requests.kept() {
            if it.number < self.copy.results.next(self.me) {
                let stored = self.copy.results.get(self.me, it.number);
                if let Some(number) = stored.map(|it| it.number) {
                    self.note_unsafe(number, self.me, it.number);
                }
            } else if let Some(place) = it.place {
                lacking.insert(place, (self.me, it));
            }
        }
        if let Some(leading) = &mut self.leading {
            let postponed = BTreeMap::new();
            leading.recovery = Some(Recovery { awaited, lacking, postponed });
        }
    }

    /// A requester has said all that it keeps.
    pub(crate) fn resent(&mut self, from: MemberId, out: &mut Vec<Output<C>>) {
        let recovery = self.leading.as_mut().and_then(|it| it.recovery.as_mut());
        if recovery.is_some_and(|it| it.awaited.remove(&from)) {
            self.advance(out);
        }
    }

    /// Applies what was collected, while there is room. `true`: something has happened.
    pub(crate) fn recover(&mut self, out: &mut Vec<Output<C>>) -> bool {
        let room = self.copy.log.pending() < self.options.window;
        let Some(leading) = &mut self.leading else { return false };
        let Some(recovery) = &mut leading.recovery else { return false };
        if !recovery.awaited.is_empty() || !room {
            return false;
        }
        if let Some((_, (from, it))) = recovery.lacking.pop_first() {
            self.apply_next(from, it, out);
            return true;
        }
        let postponed = leading.recovery.take().map(|it| it.postponed).unwrap_or_default();
        for ((from, id), query) in postponed {
            self.asked(from, id, query, out);
        }
        true
    }

    /// An update that a requester keeps is here.
    pub(crate) fn still_there(&mut self, from: MemberId, request: u64, out: &mut Vec<Output<C>>) {
        if let Some(number) = self.copy.results.get(from, request).map(|it| it.number) {
            self.note_unsafe(number, from, request);
            self.advance(out);
        }
    }

    /// The requester is to hear when every complete replica has this update.
    pub(crate) fn note_unsafe(&mut self, number: u64, from: MemberId, request: u64) {
        if let (Some(leading), Acknowledge::Active) = (&mut self.leading, self.options.acknowledge)
        {
            leading.unsafe_yet.insert(number, (from, request));
        }
    }

    /// Tells requesters what every complete replica has.
    pub(crate) fn tell_safe(&mut self, floor: u64, out: &mut Vec<Output<C>>) {
        let Some(Leading { unsafe_yet, .. }) = &mut self.leading else { return };
        let later = unsafe_yet.split_off(&(floor + 1));
        let safe = core::mem::replace(unsafe_yet, later);
        // In the order of the history, so the last one of each requester covers those before.
        let last: BTreeMap<MemberId, u64> = safe.into_values().collect();
        let epoch = self.config.epoch();
        for (to, number) in last {
            if to == self.me {
                self.requests.safe(number);
            } else {
                out.push(Output::Send(to, Message::Safe { epoch, number }));
            }
        }
    }
}
