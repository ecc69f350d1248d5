//! The primary's side: numbering, sending, acknowledging, handing over.

use crate::{
    Acknowledge, Content, Message, Note, Output, Place, Position, Replica, Update,
    filling::Transfer, recovery::Recovery, requests::Numbered,
};
use ais_types::MemberId;
use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    vec::Vec,
};

/// What a primary knows besides its copy. Begins empty with each epoch.
#[derive(Clone, Debug)]
pub(crate) struct Leading<C: Content> {
    pub(crate) followers: BTreeMap<MemberId, Follower<C>>,
    /// Who asked to be filled before the log said here that it is to be, and where it was.
    pub(crate) wants_fill: BTreeMap<MemberId, Option<Position>>,
    /// Updates to be answered when they are acknowledged.
    awaiting: BTreeMap<u64, (MemberId, u64)>,
    /// Answered updates whose requesters are to hear when every complete replica has them.
    pub(crate) unsafe_yet: BTreeMap<u64, (MemberId, u64)>,
    /// While it is not known what a lost primary has answered: nobody is served.
    pub(crate) recovery: Option<Recovery<C>>,
    /// Requests that wait because too much is on its way.
    held: VecDeque<(MemberId, Numbered<C>)>,
    /// Questions that are not answered yet.
    pub(crate) asked: Vec<Asked<C>>,
    pub(crate) transfers: u64,
    /// The last transfer that was begun for each member while its link was up.
    pub(crate) begun: BTreeMap<MemberId, u64>,
    /// Completions that are ordered already.
    pub(crate) proposed: BTreeSet<MemberId>,
    /// Those who have not kept up, as is ordered already.
    pub(crate) lagging: BTreeSet<MemberId>,
    drained: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Asked<C: Content> {
    /// What was applied when it was asked, or looked at last.
    pub(crate) mark: u64,
    pub(crate) from: MemberId,
    pub(crate) id: u64,
    pub(crate) want: Want<C>,
}

/// What a question waits for.
#[derive(Clone, Debug)]
pub(crate) enum Want<C: Content> {
    /// Until what it has seen is acknowledged.
    Acknowledged(C::Answer),
    /// Until every complete replica has it: Synchronize.
    Everywhere,
    /// Until an update gives it something to see.
    Update(C::Query),
}

/// What the primary knows of a backup or of a filling replica.
#[derive(Clone, Debug)]
pub(crate) struct Follower<C: Content> {
    /// It has everything up to here; `None`: it has not said so in this epoch.
    pub(crate) acked: Option<u64>,
    /// Everything up to here was sent since its link came up.
    pub(crate) sent: u64,
    /// It was told that everything up to here is acknowledged.
    pub(crate) told: u64,
    /// Reads wait there to be told.
    pub(crate) waits: bool,
    pub(crate) transfer: Option<Transfer<C>>,
    /// How far it was when that was looked at last, if it was behind then, and how often before it
    /// had been found to be there.
    pub(crate) looked_at: Option<((Option<u64>, u64), u32)>,
}

impl<C: Content> Leading<C> {
    fn new() -> Self {
        Self {
            followers: BTreeMap::new(),
            wants_fill: BTreeMap::new(),
            awaiting: BTreeMap::new(),
            unsafe_yet: BTreeMap::new(),
            recovery: None,
            held: VecDeque::new(),
            asked: Vec::new(),
            transfers: 0,
            begun: BTreeMap::new(),
            proposed: BTreeSet::new(),
            lagging: BTreeSet::new(),
            drained: false,
        }
    }

    pub(crate) fn forget(&mut self, member: MemberId) {
        self.wants_fill.remove(&member);
        self.begun.remove(&member);
        self.held.retain(|it| it.0 != member);
        self.asked.retain(|it| it.from != member);
        self.awaiting.retain(|_, it| it.0 != member);
        self.unsafe_yet.retain(|_, it| it.0 != member);
        if let Some(recovery) = &mut self.recovery {
            recovery.forget(member);
        }
    }
}

impl<C: Content> Replica<C> {
    /// This node is the primary of a new epoch.
    pub(crate) fn lead(&mut self, out: &mut Vec<Output<C>>) {
        let mut leading = Leading::new();
        // The oldest first: nothing of this node may overtake them.
        let again = self.requests.again().into_iter();
        leading.held = again.map(|it| (self.me, it)).collect();
        self.leading = Some(leading);
        self.begin_recovery();
        self.reshape_followers(out);
    }

    /// Who follows has changed.
    pub(crate) fn reshape_followers(&mut self, out: &mut Vec<Output<C>>) {
        let Some(leading) = &mut self.leading else { return };
        let config = &self.config;
        // One that has not kept up is without a transfer: it will say how far it is.
        leading.followers.retain(|member, it| {
            config.is_complete(*member) || (config.is_filling(*member) && it.transfer.is_some())
        });
        leading.proposed.retain(|it| config.is_filling(*it));
        leading.lagging.retain(|it| config.is_complete(*it));
        for member in config.complete().filter(|it| *it != self.me) {
            let follower = leading.followers.entry(member).or_insert_with(Follower::unheard);
            follower.transfer = None;
        }
        let wants = leading.wants_fill.iter().filter(|it| config.is_filling(*it.0));
        let wants: Vec<_> = wants.map(|(member, have)| (*member, *have)).collect();
        for (member, have) in wants {
            self.fill_from(member, have, out);
        }
        self.advance(out);
    }

    /// A request of a member, or of this node.
    pub(crate) fn requested(&mut self, from: MemberId, it: Numbered<C>, out: &mut Vec<Output<C>>) {
        let handing_over = self.config.next().is_some();
        let Some(leading) = &mut self.leading else { return };
        let next = self.copy.results.next(from);
        if it.number < next && it.place.is_some() {
            return self.still_there(from, it.number, out);
        }
        if it.number < next {
            self.repeat(from, it.number, out);
            return self.advance(out);
        }
        if it.place.is_some()
            && let Some(recovery) = &mut leading.recovery
        {
            return recovery.collect(from, it);
        }
        // It will be said again to the next primary.
        if handing_over {
            return;
        }
        let held = leading.held.iter().filter(|it| it.0 == from).count() as u64;
        if held >= 2 * Self::REQUESTS_MAX {
            return;
        }
        leading.held.push_back((from, it));
        self.advance(out);
    }

    /// A request that was done before: its stored answer, as soon as it is acknowledged.
    fn repeat(&mut self, from: MemberId, request: u64, out: &mut Vec<Output<C>>) {
        let Some(stored) = self.copy.results.get(from, request) else { return };
        if stored.number > self.copy.committed {
            if let Some(leading) = &mut self.leading {
                leading.awaiting.insert(stored.number, (from, request));
            }
            return;
        }
        let (number, place, answer) = (stored.number, stored.place, stored.answer.clone());
        self.answer(from, request, place, answer, out);
        self.note_unsafe(number, from, request);
    }

    fn answer(
        &mut self,
        to: MemberId,
        number: u64,
        place: Place,
        answer: C::Answer,
        out: &mut Vec<Output<C>>,
    ) {
        if to == self.me {
            return self.answered(number, place, answer, out);
        }
        let epoch = self.config.epoch();
        out.push(Output::Send(to, Message::Answer { epoch, number, place, answer }));
    }

    /// A follower has got so far.
    pub(crate) fn applied(
        &mut self,
        from: MemberId,
        number: u64,
        again: bool,
        waits: bool,
        out: &mut Vec<Output<C>>,
    ) {
        let last = self.copy.number();
        let Some(leading) = &mut self.leading else { return };
        let Some(follower) = leading.followers.get_mut(&from) else { return };
        if number > last {
            return;
        }
        let first = follower.acked.is_none();
        follower.acked = follower.acked.max(Some(number));
        follower.waits |= waits;
        if let Some(transfer) = &mut follower.transfer {
            transfer.caught_up(number, last);
        }
        if again || first {
            self.send_from(from, number, out);
        }
        self.advance(out);
    }

    /// Says every update after `number` to a follower that has all before.
    pub(crate) fn send_from(&mut self, to: MemberId, number: u64, out: &mut Vec<Output<C>>) {
        let epoch = self.config.epoch();
        let (committed, stable) = (self.copy.committed, self.copy.log.stable());
        let Some(leading) = &mut self.leading else { return };
        let Some(follower) = leading.followers.get_mut(&to) else { return };
        follower.sent = self.copy.number();
        follower.told = 0;
        for entry in self.copy.log.after(number) {
            follower.told = committed;
            let update = entry.update.clone();
            let message = Message::Update { epoch, update, parts: 0, committed, stable };
            out.push(Output::Send(to, message));
        }
    }

    /// Does everything that has become possible.
    pub(crate) fn advance(&mut self, out: &mut Vec<Output<C>>) {
        loop {
            self.commit(out);
            if !self.recover(out) && !self.apply_held(out) {
                break;
            }
            self.look_at_held_questions();
        }
        self.propose(out);
        self.tell_marks(false, out);
    }

    /// Applies held requests while there is room. `true`: some were.
    fn apply_held(&mut self, out: &mut Vec<Output<C>>) -> bool {
        let mut some = false;
        while self.copy.log.pending() < self.options.window && self.config.next().is_none() {
            let Some(leading) = &mut self.leading else { break };
            if leading.recovery.is_some() {
                break;
            }
            let Some((from, it)) = leading.held.pop_front() else { break };
            let next = self.copy.results.next(from);
            if it.number < next {
                self.repeat(from, it.number, out);
                some = true;
            } else if it.previous < next {
                self.apply_next(from, it, out);
                some = true;
            }
            // Else something before it was lost; its sender will say all again in order.
        }
        some
    }

    pub(crate) fn apply_next(&mut self, from: MemberId, it: Numbered<C>, out: &mut Vec<Output<C>>) {
        let number = self.copy.number() + 1;
        let Numbered { number: request, done, place, update, .. } = it;
        // Who was answered before is not answered again, and what was admitted then stands.
        let answers = place.is_none();
        let update = if answers { self.copy.content.admit(update, self.room()) } else { update };
        let epoch = self.config.epoch();
        let place = place.unwrap_or(Place { epoch, number });
        let mut update =
            Update { epoch, number, place, requester: from, request, done, answer: None, update };
        let answer = self.copy.apply(update.clone());
        let committed = match self.options.acknowledge {
            Acknowledge::All => self.copy.committed,
            Acknowledge::Active => number,
        };
        let stable = self.copy.log.stable();
        let Some(leading) = &mut self.leading else { return };
        if answers {
            leading.awaiting.insert(number, (from, request));
        } else {
            leading.unsafe_yet.insert(number, (from, request));
        }
        for (&member, follower) in &mut leading.followers {
            if follower.acked.is_none() || follower.sent + 1 != number {
                continue;
            }
            follower.sent = number;
            follower.told = committed;
            let transfer = follower.transfer.as_ref().filter(|it| it.over.is_none());
            let parts = transfer.map_or(0, |it| it.said);
            update.answer = transfer.map(|_| answer.clone());
            let update = update.clone();
            let message = Message::Update { epoch, update, parts, committed, stable };
            out.push(Output::Send(member, message));
        }
    }

    /// Moves the marks as far as the followers have got, and answers what is acknowledged.
    fn commit(&mut self, out: &mut Vec<Output<C>>) {
        let number = self.copy.number();
        let Some(leading) = &mut self.leading else { return };
        let has = |it: &Follower<C>| it.acked.unwrap_or(0);
        let needed = |it: &&Follower<C>| it.transfer.as_ref().is_none_or(|it| it.over.is_some());
        let everywhere = leading.followers.values().map(has).min().unwrap_or(number);
        let floor = leading.followers.values().filter(needed).map(has).min().unwrap_or(number);
        let committed = match self.options.acknowledge {
            Acknowledge::All => floor,
            Acknowledge::Active => number,
        };
        self.copy.committed = self.copy.committed.max(committed);
        self.copy.prune(everywhere, self.options.keep);
        let committed = self.copy.committed;
        let later = leading.awaiting.split_off(&(committed + 1));
        let answered = core::mem::replace(&mut leading.awaiting, later);
        let ready = |it: &mut Asked<C>| match it.want {
            Want::Acknowledged(_) => it.mark <= committed,
            Want::Everywhere => it.mark <= floor,
            Want::Update(_) => false,
        };
        let told: Vec<Asked<C>> = leading.asked.extract_if(.., ready).collect();
        for (from, request) in answered.into_values() {
            let Some(stored) = self.copy.results.get(from, request) else { continue };
            let (number, place, answer) = (stored.number, stored.place, stored.answer.clone());
            self.answer(from, request, place, answer, out);
            self.note_unsafe(number, from, request);
        }
        self.tell_safe(floor, out);
        for Asked { from, id, want, .. } in told {
            let answer = match want {
                Want::Acknowledged(answer) => Some(answer),
                Want::Everywhere | Want::Update(_) => None,
            };
            if from == self.me {
                self.told(id, answer, out);
            } else {
                let epoch = self.config.epoch();
                out.push(Output::Send(from, Message::Told { epoch, id, answer }));
            }
        }
        // Answers make room for new requests of this node.
        self.hold_own_requests();
    }

    fn hold_own_requests(&mut self) {
        let Some(leading) = &mut self.leading else { return };
        while let Some(it) = self.requests.pop(Self::REQUESTS_MAX, self.options.window) {
            leading.held.push_back((self.me, it));
        }
    }

    /// Orders completions and the hand-over when all that they need is there.
    fn propose(&mut self, out: &mut Vec<Output<C>>) {
        let epoch = self.config.epoch();
        let (number, stable) = (self.copy.number(), self.copy.log.stable());
        let Some(leading) = &mut self.leading else { return };
        for (&member, follower) in &leading.followers {
            let Some(transfer) = &follower.transfer else { continue };
            // It may be promoted as soon as the entry is on the log: it must have everything that
            // is acknowledged, and be able to bring the others up to date; it has kept nothing
            // before `begin`.
            let has_all = transfer.over.is_some_and(|it| follower.acked >= Some(it));
            let ready = has_all && stable >= transfer.begin;
            if ready && leading.proposed.insert(member) {
                out.push(Output::Noted(Note::TransferDone(member)));
                out.push(Output::Completed { epoch, member });
            }
        }
        if let Some(to) = self.config.next()
            && !leading.drained
            && leading.followers.get(&to).and_then(|it| it.acked) == Some(number)
        {
            leading.drained = true;
            out.push(Output::Drained { epoch, to });
        }
    }

    /// Tells the backups what is acknowledged, when no update will do so soon: those on which reads
    /// wait for it, or `all`.
    pub(crate) fn tell_marks(&mut self, all: bool, out: &mut Vec<Output<C>>) {
        let epoch = self.config.epoch();
        let (number, stable) = (self.copy.number(), self.copy.log.stable());
        let committed = self.copy.committed;
        let quiet = committed == number && self.options.acknowledge == Acknowledge::All;
        let Some(leading) = self.leading.as_mut().filter(|_| quiet) else { return };
        for (&member, follower) in &mut leading.followers {
            if follower.acked != Some(number) || !(all || follower.waits) {
                continue;
            }
            follower.waits = false;
            if follower.told < committed {
                follower.told = committed;
                out.push(Output::Send(member, Message::Marks { epoch, committed, stable }));
            }
        }
    }
}

impl<C: Content> Follower<C> {
    pub(crate) const fn unheard() -> Self {
        Self { acked: None, sent: 0, told: 0, waits: false, transfer: None, looked_at: None }
    }
}
