//! One node's part of one object.

use crate::{
    Configuration, Content, Early, History, Message, Place, Position, Update, Waiting,
    log::Log,
    primary::Leading,
    requests::{Numbered, Requests},
    results::{Results, Stored},
};
use ais_service::Link;
use ais_types::MemberId;
use alloc::{collections::BTreeSet, vec::Vec};

/// When an update is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acknowledge {
    /// When every complete replica has applied it.
    All,
    /// When the primary has applied it. `synchronize` waits for the others.
    Active,
}

/// How an object is replicated; the same on every node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// When an update is answered.
    pub acknowledge: Acknowledge,
    /// How many bytes may be on the way to a backup, and from a requester, without an answer. At
    /// least one update is always on its way, however large.
    pub window: usize,
    /// How many bytes of updates that are everywhere a copy remembers, for copies that come back
    /// after having been away and for queries; never more than the content itself weighs, beyond a
    /// few.
    pub keep: usize,
}

impl Options {
    /// With the usual window.
    #[must_use]
    pub const fn new(acknowledge: Acknowledge) -> Self {
        Self { acknowledge, window: 1024 * 1024, keep: 1024 * 1024 }
    }
}

/// What the service calls a request. Unique among those not answered yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// What a replica wants done.
#[derive(Clone, Debug)]
pub enum Output<C: Content> {
    /// Say this to a member.
    Send(MemberId, Message<C>),
    /// The answer of an update or a query.
    Answered(RequestId, C::Answer),
    /// Every complete replica has what the primary had when it was asked.
    Synchronized(RequestId),
    /// Order an entry: [`Configuration::completed`].
    Completed {
        /// The epoch.
        epoch: u64,
        /// Who is filled.
        member: MemberId,
    },
    /// Order an entry, one for all objects together: [`Configuration::sealed`].
    Sealed {
        /// The epoch.
        epoch: u64,
        /// The last number here.
        number: u64,
    },
    /// Order an entry: [`Configuration::drained`].
    Drained {
        /// The epoch.
        epoch: u64,
        /// Who has everything.
        to: MemberId,
    },
    /// Order an entry: [`Configuration::lagging`].
    Lagging {
        /// The epoch.
        epoch: u64,
        /// Who has not kept up.
        member: MemberId,
    },
    /// Order an entry, one for all objects together: [`Configuration::conceded`].
    Conceded {
        /// The epoch.
        epoch: u64,
    },
    /// Nothing to be done: for whoever counts and tells what happens.
    Noted(Note),
}

/// What an operator may want to know of a primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// A replica is being filled from the beginning.
    TransferBegun(MemberId),
    /// A replica has all of the content.
    TransferDone(MemberId),
    /// A replica that was away goes on from where it was.
    Resumed(MemberId),
    /// A replica that is being filled has stopped answering; it has to ask anew.
    TransferStalled(MemberId),
}

/// One node's part of one object: its copy, if it has one, and its programs' requests.
///
/// A node creates it when it first has to do with the object, and keeps it for the life of the
/// object: the numbers of its requests must not start anew.
#[derive(Clone, Debug)]
pub struct Replica<C: Content> {
    pub(crate) me: MemberId,
    pub(crate) options: Options,
    pub(crate) config: Configuration,
    /// Who may keep answered updates that a lost primary took with it.
    pub(crate) requesters: BTreeSet<MemberId>,
    pub(crate) copy: Copy<C>,
    pub(crate) requests: Requests<C>,
    /// Reads of this node that wait until what they saw is acknowledged: mark, ask, answer.
    pub(crate) reads: Vec<(u64, u64, C::Answer)>,
    /// Reads of this node that have nothing to see yet.
    pub(crate) held_reads: BTreeSet<u64>,
    /// The last transfer of this epoch that has begun here.
    pub(crate) begun: u64,
    /// It was heard here that this copy has not kept up, and this node has ordered that it knows.
    pub(crate) conceding: bool,
    /// Bytes of memory that the content may grow by, since it weighed so much.
    pub(crate) room: (u64, u64),
    /// If this node is the primary.
    pub(crate) leading: Option<Leading<C>>,
    early: Early<u64, Message<C>>,
}

/// A node's copy of the content.
#[derive(Clone, Debug)]
pub(crate) struct Copy<C: Content> {
    pub(crate) state: State,
    pub(crate) content: C,
    /// Everything up to here is acknowledged.
    pub(crate) committed: u64,
    /// The updates applied.
    pub(crate) log: Log<C>,
    /// An update came before another one that was asked for again.
    pub(crate) gap: bool,
    pub(crate) results: Results<C>,
}

/// How good a copy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// There is none, or its transfer has not begun.
    Blank,
    /// On its way: which transfer, and how many of its parts are in.
    Filling { transfer: u64, parts: u64 },
    /// Whole, and not counted: either the entry that says that it is filled is on its way, or it
    /// has not kept up and may go on from where it is.
    Filled,
    /// As good as any.
    Complete,
}

impl<C: Content> Replica<C> {
    /// How many numbered requests of a node may be without an answer.
    pub const REQUESTS_MAX: u64 = 64;

    /// A node's part of an object. `blank` is the content that the object was created with.
    pub fn new(
        me: MemberId,
        options: Options,
        blank: C,
        config: &Configuration,
        out: &mut Vec<Output<C>>,
    ) -> Self {
        let mut copy = Copy::new(blank);
        // Whoever is complete when its node first hears of the object was so from the beginning.
        if config.is_complete(me) {
            copy.state = State::Complete;
        }
        let mut replica = Self {
            me,
            options,
            config: config.clone(),
            requesters: BTreeSet::new(),
            copy,
            requests: Requests::new(),
            reads: Vec::new(),
            held_reads: BTreeSet::new(),
            begun: 0,
            conceding: false,
            room: (u64::MAX, 0),
            leading: None,
            early: Early::new(),
        };
        replica.enter(out);
        replica
    }

    /// Whose programs have the object in use, at the present place of the log; call it before
    /// [`configure`](Self::configure). Under [`Acknowledge::Active`] a new primary serves nobody
    /// before each of them has said again what was answered to it and may be lost. What was
    /// answered to others is not owed any more.
    pub fn used_by(&mut self, requesters: BTreeSet<MemberId>) {
        self.requesters = requesters;
    }

    /// The configuration has changed; call it after each change, in the order of the log.
    pub fn configure(&mut self, config: &Configuration, out: &mut Vec<Output<C>>) {
        let before = core::mem::replace(&mut self.config, config.clone());
        if before.epoch() == config.epoch() {
            self.reshape(out);
        } else {
            self.enter(out);
        }
    }

    /// The view has lost a member; what is kept for its sake can go. Its messages are not to be
    /// handed in any more.
    pub fn left(&mut self, member: MemberId) {
        self.copy.results.forget(member);
        self.requesters.remove(&member);
        self.early.forget(member);
        if let Some(leading) = &mut self.leading {
            leading.forget(member);
        }
    }

    /// A program of this node wants an update. Ends with one [`Output::Answered`], unless it is
    /// cancelled or the object ends.
    pub fn update(&mut self, id: RequestId, update: C::Update, out: &mut Vec<Output<C>>) {
        self.requests.push(id, update);
        self.push_requests(out);
    }

    /// A program of this node wants to read. Answered from this node's copy if that is allowed to
    /// answer, else by the primary.
    pub fn query(&mut self, id: RequestId, query: C::Query, out: &mut Vec<Output<C>>) {
        let ask = self.requests.push_ask(id, Some(query));
        self.place_ask(ask, out);
    }

    /// A program of this node wants every complete replica to have what the primary has now.
    pub fn synchronize(&mut self, id: RequestId, out: &mut Vec<Output<C>>) {
        let ask = self.requests.push_ask(id, None);
        self.place_ask(ask, out);
    }

    /// Nobody waits for this request any more. If nobody has heard of it, it is not done.
    pub fn cancel(&mut self, id: RequestId, out: &mut Vec<Output<C>>) {
        let epoch = self.config.epoch();
        for id in self.requests.cancel(id) {
            self.held_reads.remove(&id);
            self.reads.retain(|it| it.1 != id);
            match self.config.primary() {
                Some(primary) if primary == self.me => self.unasked(primary, id),
                Some(primary) => out.push(Output::Send(primary, Message::Unask { epoch, id })),
                None => {}
            }
        }
    }

    /// From now on the content may grow by so many bytes; asked of [`Content::admit`].
    pub fn grant(&mut self, room: u64) {
        self.room = (room, self.copy.content.weight());
    }

    /// Bytes that the content may still grow by.
    pub(crate) fn room(&self) -> u64 {
        let (room, weighed) = self.room;
        room.saturating_add(weighed).saturating_sub(self.copy.content.weight())
    }

    /// Bytes of memory that this part of the object costs, about.
    #[must_use]
    pub fn weight(&self) -> u64 {
        self.copy.content.weight().saturating_add(self.copy.log.weight() as u64)
    }

    /// The requests of this node that are not answered: to be refused when the object ends.
    pub fn outstanding(&self) -> impl Iterator<Item = RequestId> {
        self.requests.outstanding()
    }

    /// This node's copy, if it is complete. It may be ahead of what is acknowledged.
    #[must_use]
    pub fn content(&self) -> Option<&C> {
        (self.copy.state == State::Complete).then_some(&self.copy.content)
    }

    /// The configuration that this part works with.
    #[must_use]
    pub const fn configuration(&self) -> &Configuration {
        &self.config
    }

    /// The last update applied here; 0 before the first and without a copy.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.copy.number()
    }

    /// Where this node's copy is in the history of the object.
    #[must_use]
    pub fn position(&self) -> Position {
        self.copy.log.last()
    }

    /// Everything up to here is known here to be acknowledged.
    #[must_use]
    pub const fn committed(&self) -> u64 {
        self.copy.committed
    }

    /// A member of the view says something about the object.
    pub fn message(&mut self, from: MemberId, message: Message<C>, out: &mut Vec<Output<C>>) {
        let epoch = self.config.epoch();
        if message.epoch() > epoch {
            self.early.put(message.epoch(), from, message);
        } else if message.epoch() == epoch {
            self.take(from, message, out);
        }
    }

    /// The data path to a member came up or broke.
    pub fn link(&mut self, member: MemberId, link: Link, out: &mut Vec<Output<C>>) {
        if let Some(leading) = &mut self.leading {
            // Whatever was on its way is not.
            leading.begun.remove(&member);
        }
        match link {
            Link::Down => self.follower_down(member, out),
            Link::Up => {
                self.follower_up(member, out);
                if self.config.primary() == Some(member) {
                    self.greet(out);
                    self.say_again(out);
                }
            }
        }
    }

    /// Messages of a member about this object were dropped before it was known here.
    pub fn dropped(&mut self, member: MemberId, out: &mut Vec<Output<C>>) {
        out.push(Output::Send(member, Message::Again { epoch: self.config.epoch() }));
    }

    fn take(&mut self, from: MemberId, message: Message<C>, out: &mut Vec<Output<C>>) {
        let from_primary = self.config.primary() == Some(from);
        match message {
            Message::Request { number, previous, done, place, update, .. } => {
                self.requested(from, Numbered { number, previous, done, place, update }, out);
            }
            Message::Resent { .. } => self.resent(from, out),
            Message::Ask { id, query, .. } => self.asked(from, id, query, out),
            Message::Unask { id, .. } => self.unasked(from, id),
            Message::Applied { number, again, waits, .. } => {
                self.applied(from, number, again, waits, out);
            }
            Message::Fill { have, begun, .. } => self.fill(from, have, begun, out),
            Message::Taken { transfer, parts, .. } => self.taken(from, transfer, parts, out),
            Message::Again { .. } => {
                self.follower_up(from, out);
                if from_primary {
                    self.greet(out);
                    self.say_again(out);
                }
            }
            // What follows only the primary says. It is the only one in its epoch.
            _ if !from_primary => {}
            Message::Answer { number, place, answer, .. } => {
                self.answered(number, place, answer, out);
                self.push_requests(out);
            }
            Message::Safe { number, .. } => {
                self.requests.safe(number);
                self.push_requests(out);
            }
            Message::Told { id, answer, .. } => self.told(id, answer, out),
            Message::Update { update, parts, committed, stable, .. } => {
                self.follow(update, parts, out);
                self.mark(committed, stable, out);
            }
            Message::Marks { committed, stable, .. } => self.mark(committed, stable, out),
            Message::Begin { transfer, at, .. } => self.begin_filling(transfer, at),
            Message::Part { transfer, index, number, part, .. } => {
                if self.expects_part(transfer, index, number) {
                    self.absorb(transfer, index, part, out);
                }
            }
        }
    }

    /// A new epoch begins: everything that belonged to the old one is forgotten.
    fn enter(&mut self, out: &mut Vec<Output<C>>) {
        let epoch = self.config.epoch();
        (self.conceding, self.begun) = (false, 0);
        self.reads.clear();
        self.held_reads.clear();
        self.leading = None;
        if !self.requesters.contains(&self.me) {
            self.requests.disown();
        }
        self.recount_copy();
        if self.config.owes_seal(self.me) {
            out.push(Output::Sealed { epoch, number: self.copy.number() });
        }
        if self.config.primary() == Some(self.me) {
            self.lead(out);
        }
        self.greet(out);
        self.say_again(out);
        self.concede(out);
        self.early.forget_before(epoch);
        for waiting in self.early.take(epoch) {
            match waiting {
                Waiting::Message(from, message) => self.take(from, message, out),
                Waiting::Dropped(from) => self.dropped(from, out),
            }
        }
    }

    /// A new epoch has begun: what the copy is worth now.
    fn recount_copy(&mut self) {
        let counted = self.config.is_complete(self.me);
        self.copy.state = match self.copy.state {
            State::Complete | State::Filled if counted => State::Complete,
            // The primary will say whether it was where this copy is.
            State::Complete | State::Filled if self.config.is_filling(self.me) => State::Filled,
            // A copy half filled may have updates that the new primary never had.
            State::Complete | State::Filled | State::Filling { .. } | State::Blank => {
                return self.copy.clear();
            }
        };
    }

    /// The configuration has changed within its epoch.
    fn reshape(&mut self, out: &mut Vec<Output<C>>) {
        self.concede(out);
        if self.config.is_complete(self.me) {
            if self.copy.state == State::Filled {
                self.copy.state = State::Complete;
            }
        } else if self.config.is_filling(self.me) {
            match self.copy.state {
                State::Blank => self.greet(out),
                State::Complete => {
                    // It has not kept up. What is here is kept.
                    self.copy.state = State::Filled;
                    self.greet(out);
                }
                State::Filling { .. } | State::Filled => {}
            }
        } else if self.copy.state != State::Blank && self.config.primary() != Some(self.me) {
            self.copy.clear();
            self.forget_reads(out);
        }
        self.reshape_followers(out);
    }

    /// Says to the primary how far this copy is.
    fn greet(&self, out: &mut Vec<Output<C>>) {
        let Some(primary) = self.config.primary().filter(|it| *it != self.me) else { return };
        let epoch = self.config.epoch();
        let have = self.copy.log.last();
        let message = match self.copy.state {
            State::Complete => {
                let waits = !self.reads.is_empty();
                Message::Applied { epoch, number: have.number, again: true, waits }
            }
            State::Filled => Message::Fill { epoch, have: Some(have), begun: self.begun },
            State::Blank | State::Filling { .. } if self.config.is_filling(self.me) => {
                Message::Fill { epoch, have: None, begun: self.begun }
            }
            State::Blank | State::Filling { .. } => return,
        };
        out.push(Output::Send(primary, message));
    }

    /// Says everything that is not answered to the primary again, in order.
    fn say_again(&mut self, out: &mut Vec<Output<C>>) {
        let Some(primary) = self.config.primary() else { return };
        // A primary took its own over when it began to lead.
        if primary != self.me {
            for it in self.requests.kept() {
                self.say_request(primary, it, out);
            }
            if self.options.acknowledge == Acknowledge::Active {
                let epoch = self.config.epoch();
                out.push(Output::Send(primary, Message::Resent { epoch }));
            }
            for it in self.requests.again() {
                self.say_request(primary, it, out);
            }
        }
        self.push_requests(out);
        self.place_asks(out);
    }

    /// Says as many new requests to the primary as the window has room for.
    pub(crate) fn push_requests(&mut self, out: &mut Vec<Output<C>>) {
        let Some(primary) = self.config.primary() else { return };
        while let Some(it) = self.requests.pop(Self::REQUESTS_MAX, self.options.window) {
            self.say_request(primary, it, out);
        }
    }

    fn say_request(&mut self, primary: MemberId, it: Numbered<C>, out: &mut Vec<Output<C>>) {
        if primary == self.me {
            return self.requested(self.me, it, out);
        }
        let epoch = self.config.epoch();
        let Numbered { number, previous, done, place, update } = it;
        let message = Message::Request { epoch, number, previous, done, place, update };
        out.push(Output::Send(primary, message));
    }

    /// The primary has acknowledged a request of this node.
    pub(crate) fn answered(
        &mut self,
        number: u64,
        place: Place,
        answer: C::Answer,
        out: &mut Vec<Output<C>>,
    ) {
        let keeps = self.options.acknowledge == Acknowledge::Active;
        let kept = Some(place).filter(|_| keeps);
        let Some(waiting) = self.requests.answered(number, kept) else { return };
        out.extend(waiting.map(|id| Output::Answered(id, answer)));
    }
}

impl<C: Content> Copy<C> {
    fn new(content: C) -> Self {
        Self {
            state: State::Blank,
            content,
            committed: 0,
            log: Log::new(Position::default()),
            gap: false,
            results: Results::new(),
        }
    }

    /// Back to nothing.
    pub(crate) fn clear(&mut self) {
        if self.state != State::Blank {
            self.content.clear();
        }
        self.state = State::Blank;
        self.committed = 0;
        self.log = Log::new(Position::default());
        self.gap = false;
        self.results = Results::new();
    }

    /// Applies the next update and keeps it, and its answer, for those who ask again.
    pub(crate) fn apply(&mut self, mut update: Update<C>) -> C::Answer {
        debug_assert_eq!(update.number, self.number() + 1, "updates are applied in order");
        let number = update.number;
        let answer = match (self.state, update.answer.take()) {
            (State::Filling { .. }, Some(answer)) => {
                self.content.follow(number, update.update.clone(), &answer);
                answer
            }
            _ => self.content.apply(number, update.update.clone()),
        };
        let stored = Stored { number, place: update.place, answer: answer.clone() };
        self.results.store(update.requester, update.request, update.done, stored);
        self.gap = false;
        self.log.push(update, answer.clone());
        answer
    }

    /// The last update applied.
    pub(crate) fn number(&self) -> u64 {
        self.log.last().number
    }

    /// Everything up to `stable` is everywhere: forgets most of that.
    pub(crate) fn prune(&mut self, stable: u64, keep: usize) {
        /// A few updates are remembered of the smallest content.
        const FEW: u64 = 4096;
        let weight = usize::try_from(self.content.weight().max(FEW)).unwrap_or(usize::MAX);
        self.log.settle(stable, keep.min(weight));
    }

    pub(crate) const fn history(&self) -> History<'_, C> {
        History(&self.log)
    }
}
