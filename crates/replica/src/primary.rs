//! The primary's side: numbering, sending, acknowledging, filling, handing over.

use crate::{
    Acknowledge, CHUNK_MAX, Content, Message, Output, Part, Place, Replica, Update,
    message::weight, recovery::Recovery, requests::Numbered,
};
use ais_types::MemberId;
use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    vec::Vec,
};

/// What a primary knows besides its copy. Begins empty with each epoch.
#[derive(Clone, Debug)]
pub(crate) struct Leading<C: Content> {
    followers: BTreeMap<MemberId, Follower<C>>,
    /// Who asked to be filled before the log said here that it is to be.
    wants_fill: BTreeSet<MemberId>,
    /// Updates to be answered when they are acknowledged.
    awaiting: BTreeMap<u64, (MemberId, u64)>,
    /// Answered updates whose requesters are to hear when every complete replica has them.
    pub(crate) unsafe_yet: BTreeMap<u64, (MemberId, u64)>,
    /// While it is not known what a lost primary has answered: nobody is served.
    pub(crate) recovery: Option<Recovery<C>>,
    /// Requests that wait because too much is on its way.
    held: VecDeque<(MemberId, Numbered<C>)>,
    /// Questions that wait for their mark.
    asked: Vec<Asked<C>>,
    transfers: u64,
    /// Completions that are ordered already.
    proposed: BTreeSet<MemberId>,
    drained: bool,
}

#[derive(Clone, Debug)]
struct Asked<C: Content> {
    mark: u64,
    from: MemberId,
    id: u64,
    /// `None`: Synchronize.
    answer: Option<C::Answer>,
}

/// What the primary knows of a backup or of a filling replica.
#[derive(Clone, Debug)]
struct Follower<C: Content> {
    /// It has everything up to here; `None`: it has not said so in this epoch.
    acked: Option<u64>,
    /// Everything up to here was sent since its link came up.
    sent: u64,
    /// It was told that everything up to here is acknowledged.
    told: u64,
    transfer: Option<Transfer<C>>,
}

/// The filling of one replica.
#[derive(Clone, Debug)]
struct Transfer<C: Content> {
    id: u64,
    /// The last update in the content when it began.
    begin: u64,
    results: VecDeque<Part<C>>,
    cursor: C::Cursor,
    /// The last part is sent.
    ended: bool,
    /// The last part is in. The primary had applied so much when it heard that, and has
    /// acknowledged nothing since without this replica.
    over: Option<u64>,
    said: u64,
    taken: u64,
    /// What the parts on their way weigh.
    on_way: VecDeque<usize>,
}

impl<C: Content> Leading<C> {
    fn new() -> Self {
        Self {
            followers: BTreeMap::new(),
            wants_fill: BTreeSet::new(),
            awaiting: BTreeMap::new(),
            unsafe_yet: BTreeMap::new(),
            recovery: None,
            held: VecDeque::new(),
            asked: Vec::new(),
            transfers: 0,
            proposed: BTreeSet::new(),
            drained: false,
        }
    }

    pub(crate) fn forget(&mut self, member: MemberId) {
        self.wants_fill.remove(&member);
        self.held.retain(|it| it.0 != member);
        self.asked.retain(|it| it.from != member);
        self.awaiting.retain(|_, it| it.0 != member);
        self.unsafe_yet.retain(|_, it| it.0 != member);
        if let Some(recovery) = &mut self.recovery {
            recovery.forget(member);
        }
    }

    pub(crate) fn progress(&self) -> BTreeMap<MemberId, Option<u64>> {
        self.followers.iter().map(|(member, it)| (*member, it.acked)).collect()
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
        leading.followers.retain(|it, _| config.is_complete(*it) || config.is_filling(*it));
        leading.proposed.retain(|it| config.is_filling(*it));
        for member in config.complete().filter(|it| *it != self.me) {
            let follower = leading.followers.entry(member).or_insert_with(Follower::unheard);
            follower.transfer = None;
        }
        let asked: Vec<MemberId> =
            leading.wants_fill.iter().copied().filter(|it| config.is_filling(*it)).collect();
        for member in asked {
            self.fill(member, None, out);
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

    /// A question of a member, or of this node.
    pub(crate) fn asked(
        &mut self,
        from: MemberId,
        id: u64,
        query: Option<&C::Query>,
        out: &mut Vec<Output<C>>,
    ) {
        // After the hand-over somebody else may have newer content; it will be asked again.
        if self.config.next().is_some() {
            return;
        }
        let Some(leading) = &mut self.leading else { return };
        if let Some(recovery) = &mut leading.recovery {
            return recovery.postpone(from, id, query);
        }
        let answer = query.map(|query| self.copy.content.query(query));
        leading.asked.retain(|it| (it.from, it.id) != (from, id));
        leading.asked.push(Asked { mark: self.copy.number, from, id, answer });
        self.advance(out);
    }

    /// A follower has got so far.
    pub(crate) fn applied(
        &mut self,
        from: MemberId,
        number: u64,
        again: bool,
        out: &mut Vec<Output<C>>,
    ) {
        let last = self.copy.number;
        let Some(leading) = &mut self.leading else { return };
        let Some(follower) = leading.followers.get_mut(&from) else { return };
        if number > last {
            return;
        }
        let first = follower.acked.is_none();
        follower.acked = follower.acked.max(Some(number));
        if again || first {
            self.send_from(from, number, out);
        }
        self.advance(out);
    }

    /// Says every update after `number` to a follower that has all before.
    fn send_from(&mut self, to: MemberId, number: u64, out: &mut Vec<Output<C>>) {
        let epoch = self.config.epoch();
        let (committed, stable) = (self.copy.committed, self.copy.stable);
        let Some(leading) = &mut self.leading else { return };
        let Some(follower) = leading.followers.get_mut(&to) else { return };
        follower.sent = self.copy.number;
        follower.told = 0;
        for update in self.copy.log.iter().filter(|it| it.number > number) {
            follower.told = committed;
            let update = update.clone();
            let message = Message::Update { epoch, update, parts: 0, committed, stable };
            out.push(Output::Send(to, message));
        }
    }

    /// The link to a follower is up again, or it has missed something.
    pub(crate) fn follower_up(&mut self, member: MemberId, out: &mut Vec<Output<C>>) {
        let epoch = self.config.epoch();
        let Some(leading) = &mut self.leading else { return };
        if self.config.is_filling(member) {
            // It says how far it is, and the transfer begins anew unless it is over.
            out.push(Output::Send(member, Message::Again { epoch }));
        } else if let Some(acked) = leading.followers.get(&member).and_then(|it| it.acked) {
            self.send_from(member, acked, out);
            self.advance(out);
        }
    }

    /// The link to a follower is broken: a transfer under way is lost, and must not hold others up.
    pub(crate) fn follower_down(&mut self, member: MemberId, out: &mut Vec<Output<C>>) {
        let Some(leading) = &mut self.leading else { return };
        let follower = leading.followers.get(&member);
        if follower.and_then(|it| it.transfer.as_ref()).is_some_and(|it| !it.ended) {
            leading.followers.remove(&member);
            self.advance(out);
        }
    }

    /// A filling replica wants its transfer, or says that it has had it.
    pub(crate) fn fill(&mut self, from: MemberId, filled: Option<u64>, out: &mut Vec<Output<C>>) {
        let epoch = self.config.epoch();
        let number = self.copy.number;
        let Some(leading) = &mut self.leading else { return };
        if self.config.is_complete(from) {
            // The entry has passed here and not there yet.
            return filled.into_iter().for_each(|it| self.applied(from, it, true, out));
        }
        if !self.config.is_filling(from) {
            leading.wants_fill.insert(from);
            return;
        }
        leading.wants_fill.remove(&from);
        let known = leading.followers.get_mut(&from).and_then(|it| it.transfer.as_mut());
        if let (Some(filled), Some(transfer)) = (filled, known)
            && transfer.ended
        {
            transfer.over = transfer.over.or(Some(number));
            return self.applied(from, filled, true, out);
        }
        leading.transfers += 1;
        let transfer = Transfer::new(leading.transfers, number, self.copy.results.parts());
        let id = transfer.id;
        let follower =
            Follower { acked: Some(number), sent: number, told: 0, transfer: Some(transfer) };
        leading.followers.insert(from, follower);
        out.push(Output::Send(from, Message::Begin { epoch, transfer: id, number }));
        self.send_parts(from, out);
    }

    /// A filling replica has so many parts.
    pub(crate) fn taken(&mut self, from: MemberId, id: u64, parts: u64, out: &mut Vec<Output<C>>) {
        let number = self.copy.number;
        let Some(leading) = &mut self.leading else { return };
        let follower = leading.followers.get_mut(&from);
        let Some(transfer) = follower.and_then(|it| it.transfer.as_mut()) else { return };
        if transfer.id != id {
            return;
        }
        while transfer.taken < parts && transfer.on_way.pop_front().is_some() {
            transfer.taken += 1;
        }
        if transfer.ended && transfer.on_way.is_empty() {
            transfer.over = transfer.over.or(Some(number));
            self.advance(out);
        } else {
            self.send_parts(from, out);
        }
    }

    /// Sends as many parts as the window has room for.
    fn send_parts(&mut self, to: MemberId, out: &mut Vec<Output<C>>) {
        let epoch = self.config.epoch();
        let number = self.copy.number;
        let window = self.options.window;
        let Some(leading) = &mut self.leading else { return };
        let follower = leading.followers.get_mut(&to);
        let Some(transfer) = follower.and_then(|it| it.transfer.as_mut()) else { return };
        while !transfer.ended && transfer.on_way.iter().sum::<usize>() < window {
            let part = transfer.next_part(&self.copy.content);
            transfer.said += 1;
            let (id, index) = (transfer.id, transfer.said);
            let mut message = Message::Part { epoch, transfer: id, index, number, part };
            transfer.on_way.push_back(weight(&mut message));
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
        }
        self.propose(out);
        self.tell_marks(out);
    }

    /// Applies held requests while there is room. `true`: some were.
    fn apply_held(&mut self, out: &mut Vec<Output<C>>) -> bool {
        let mut some = false;
        while self.copy.log_weight < self.options.window && self.config.next().is_none() {
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
        let number = self.copy.number + 1;
        let Numbered { number: request, done, place, update, .. } = it;
        // Who was answered before is not answered again.
        let answers = place.is_none();
        let epoch = self.config.epoch();
        let place = place.unwrap_or(Place { epoch, number });
        let mut update =
            Update { number, place, requester: from, request, done, answer: None, update };
        let answer = self.copy.apply(update.clone());
        let committed = match self.options.acknowledge {
            Acknowledge::All => self.copy.committed,
            Acknowledge::Active => number,
        };
        let (epoch, stable) = (self.config.epoch(), self.copy.stable);
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
        let number = self.copy.number;
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
        self.copy.prune(everywhere);
        let committed = self.copy.committed;
        let later = leading.awaiting.split_off(&(committed + 1));
        let answered = core::mem::replace(&mut leading.awaiting, later);
        let ready = |it: &mut Asked<C>| match it.answer {
            Some(_) => it.mark <= committed,
            None => it.mark <= floor,
        };
        let told: Vec<Asked<C>> = leading.asked.extract_if(.., ready).collect();
        for (from, request) in answered.into_values() {
            let Some(stored) = self.copy.results.get(from, request) else { continue };
            let (number, place, answer) = (stored.number, stored.place, stored.answer.clone());
            self.answer(from, request, place, answer, out);
            self.note_unsafe(number, from, request);
        }
        self.tell_safe(floor, out);
        for Asked { from, id, answer, .. } in told {
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
        let (number, stable) = (self.copy.number, self.copy.stable);
        let Some(leading) = &mut self.leading else { return };
        for (&member, follower) in &leading.followers {
            let Some(transfer) = &follower.transfer else { continue };
            // It may be promoted as soon as the entry is on the log: it must have everything that
            // is acknowledged, and be able to bring the others up to date; it has kept nothing
            // before `begin`.
            let has_all = transfer.over.is_some_and(|it| follower.acked >= Some(it));
            let ready = has_all && stable >= transfer.begin;
            if ready && leading.proposed.insert(member) {
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

    /// Tells the backups what is acknowledged, when no update will do so soon.
    fn tell_marks(&mut self, out: &mut Vec<Output<C>>) {
        let epoch = self.config.epoch();
        let (number, committed, stable) = (self.copy.number, self.copy.committed, self.copy.stable);
        let quiet = committed == number && self.options.acknowledge == Acknowledge::All;
        let Some(leading) = self.leading.as_mut().filter(|_| quiet) else { return };
        for (&member, follower) in &mut leading.followers {
            if follower.told < committed && follower.acked == Some(number) {
                follower.told = committed;
                out.push(Output::Send(member, Message::Marks { epoch, committed, stable }));
            }
        }
    }
}

impl<C: Content> Follower<C> {
    const fn unheard() -> Self {
        Self { acked: None, sent: 0, told: 0, transfer: None }
    }
}

impl<C: Content> Transfer<C> {
    fn new(id: u64, begin: u64, results: Vec<Part<C>>) -> Self {
        Self {
            id,
            begin,
            results: results.into(),
            cursor: C::Cursor::default(),
            ended: false,
            over: None,
            said: 0,
            taken: 0,
            on_way: VecDeque::new(),
        }
    }

    fn next_part(&mut self, content: &C) -> Part<C> {
        if let Some(part) = self.results.pop_front() {
            return part;
        }
        match content.chunk(&mut self.cursor, CHUNK_MAX) {
            Some(chunk) => Part::Chunk(chunk),
            None => {
                self.ended = true;
                Part::End
            }
        }
    }
}
