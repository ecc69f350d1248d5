//! The data path: reads and mutations of sections, and this node's replicas.

use crate::{
    CheckpointId, Choice, Ckpt, Command, Content, Given, Message, Mutation, OpenId, Query, Timed,
    calls::{Asked, Checked, Go, access, bytes_of},
    client::{Iteration, Opened},
    error::Refused,
    params::{self, Rules},
    report,
    waiting::{Task, Ticket, To, Waiting},
};
use ais_replica::{
    Acknowledge, Options, Output as Effect, Position, Replica, RequestId, Waiting as Came,
};
use ais_service::{Link, Output};
use ais_types::{
    Error, ErrorCode, MemberId, Time,
    ckpt::{CreationAttributes, OpenFlags, Reply, SectionId, SectionsChosen},
};
use alloc::vec::Vec;

/// So many looks without progress make the patience with a replica.
const LOOKS: u32 = 20;
/// How long to trust that the wall clock does not step, when a section is to expire.
const EXPIRATION_CHECK: Time = Time::ONE_SECOND;

impl Ckpt {
    /// §3.6.7.
    pub(crate) fn status_get(&mut self, asked: Asked, handle: u64) -> Checked {
        let rules = self.client(asked.caller)?.rules;
        let (opened, it) = self.opened(asked.caller, handle)?;
        if rules == Rules::B02 {
            access(it, opened, OpenFlags::READ)?;
        }
        self.ask(asked, opened, Query::Status, None)
    }

    /// §3.7.5. Whether sections can be walked at all is known here.
    pub(crate) fn iterate(
        &mut self,
        asked: Asked,
        handle: u64,
        chosen: SectionsChosen,
        expiration: Time,
    ) -> Checked {
        let rules = self.client(asked.caller)?.rules;
        let (opened, it) = self.opened(asked.caller, handle)?;
        params::chosen(chosen, expiration)?;
        if rules == Rules::B02 {
            access(it, opened, OpenFlags::READ)?;
        }
        if let Some(wait) = self.reach(asked, opened)? {
            return Ok(wait);
        }
        let choice = Choice::new(chosen, expiration);
        let iteration = Iteration { opened: handle, choice, last: None, ended: false };
        let iteration = self.client(asked.caller)?.iterate(iteration)?;
        Ok(Go::Answer(Reply::IterationStarted(iteration)))
    }

    /// §3.7.6.
    pub(crate) fn iteration_next(&mut self, asked: Asked, handle: u64) -> Checked {
        let iteration = self.client(asked.caller)?.iteration(handle)?.clone();
        let (opened, _) = self.opened(asked.caller, iteration.opened)?;
        if iteration.ended {
            return Err(Refused::NoSections.into());
        }
        self.ask(asked, opened, Query::Next(iteration.last, iteration.choice), Some(handle))
    }

    /// §3.7.1 to §3.7.4, §3.8.1, §3.8.2.
    pub(crate) fn mutate(&mut self, asked: Asked, handle: u64, mut mutation: Mutation) -> Checked {
        let (opened, it) = self.opened(asked.caller, handle)?;
        check(&it.attributes, &mutation, self.now.wall)?;
        access(it, opened, OpenFlags::WRITE)?;
        if let Some(wait) = self.reach(asked, opened)? {
            return Ok(wait);
        }
        let bytes = bytes_of(&mut mutation);
        let limit = self.settings.in_flight;
        if self.waiting.bytes() > 0 && self.waiting.bytes().saturating_add(bytes) > limit {
            self.counters.refused_busy += 1;
            return Err(Refused::Busy { limit }.into());
        }
        let task = Task::Data { checkpoint: opened.checkpoint, iteration: None, bytes };
        let ticket = self.wait(To::Caller(asked.caller), task, None);
        let by = OpenId { client: asked.caller.client, handle };
        self.update(opened.checkpoint, ticket, Some(by), mutation);
        Ok(Go::Waits)
    }

    /// A fault, for tests: §3.1.6, what an update that was cut off leaves behind.
    pub(crate) fn corrupt(&mut self, asked: Asked, handle: u64, section: SectionId) -> Checked {
        let (_, it) = self.opened(asked.caller, handle)?;
        if !self.settings.faults {
            return Err(Refused::NoFaults.into());
        }
        if !it.attributes.creation_flags.weak() {
            let rule = "sections are corrupted only with WR_ACTIVE_REPLICA_WEAK";
            return Err(Refused::Kind { name: it.name.clone(), rule }.into());
        }
        self.mutate(asked, handle, Mutation::Corrupt { section })
    }

    /// What was changed, as soon as there is something.
    pub(crate) fn changes(
        &mut self,
        asked: Asked,
        opened: Opened,
        after: Option<Position>,
        timeout: Time,
    ) -> Checked {
        let rules = self.client(asked.caller)?.rules;
        let timeout = params::timeout(rules, timeout)?;
        if let Some(wait) = self.reach(asked, opened)? {
            return Ok(wait);
        }
        if timeout == Time::BEGIN && after.is_some() {
            return Err(Refused::TimedOut.into());
        }
        self.put_question(asked, opened, Query::Changes(after), None, Some(timeout));
        Ok(Go::Waits)
    }

    /// Has a query answered.
    pub(crate) fn ask(
        &mut self,
        asked: Asked,
        opened: Opened,
        query: Query,
        iteration: Option<u64>,
    ) -> Checked {
        if let Some(wait) = self.reach(asked, opened)? {
            return Ok(wait);
        }
        self.put_question(asked, opened, query, iteration, None);
        Ok(Go::Waits)
    }

    fn put_question(
        &mut self,
        asked: Asked,
        opened: Opened,
        query: Query,
        iteration: Option<u64>,
        timeout: Option<Time>,
    ) {
        let task = Task::Data { checkpoint: opened.checkpoint, iteration, bytes: 0 };
        let ticket = self.wait(To::Caller(asked.caller), task, timeout);
        self.with_replica(opened.checkpoint, |replica, out| {
            replica.query(RequestId(ticket.0), query, out);
        });
    }

    /// §3.8.5.
    pub(crate) fn synchronize(&mut self, asked: Asked, handle: u64, timeout: Time) -> Checked {
        let rules = self.client(asked.caller)?.rules;
        self.opened(asked.caller, handle)?;
        let timeout = params::timeout(rules, timeout)?;
        let opened = match self.may_synchronize(asked, handle)? {
            Ok(opened) => opened,
            Err(wait) => return Ok(wait),
        };
        if timeout == Time::BEGIN {
            return Err(Refused::TimedOut.into());
        }
        self.begin_synchronize(To::Caller(asked.caller), opened, handle, timeout);
        Ok(Go::Waits)
    }

    /// §3.8.5.
    pub(crate) fn synchronize_async(
        &mut self,
        asked: Asked,
        handle: u64,
        invocation: u64,
    ) -> Checked {
        let callbacks = self.client(asked.caller)?.callbacks;
        self.opened(asked.caller, handle)?;
        if !callbacks.synchronize {
            return Err(Refused::NoCallback("synchronize").into());
        }
        let opened = match self.may_synchronize(asked, handle)? {
            Ok(opened) => opened,
            Err(wait) => return Ok(wait),
        };
        let to = To::Synchronize { client: asked.caller.client, handle, invocation };
        // The call is answered before its callback can come.
        self.answer(To::Caller(asked.caller), Ok(Reply::Done));
        self.begin_synchronize(to, opened, handle, Time::END);
        Ok(Go::Waits)
    }

    fn may_synchronize(&self, asked: Asked, handle: u64) -> Result<Result<Opened, Go>, Error> {
        let (opened, it) = self.opened(asked.caller, handle)?;
        access(it, opened, OpenFlags::WRITE)?;
        if it.attributes.creation_flags.synchronous() {
            let rule = "with WR_ALL_REPLICAS nothing is ever left to synchronise";
            return Err(Refused::Kind { name: it.name.clone(), rule }.into());
        }
        Ok(match self.reach(asked, opened)? {
            Some(wait) => Err(wait),
            None => Ok(opened),
        })
    }

    fn begin_synchronize(&mut self, to: To, opened: Opened, handle: u64, timeout: Time) {
        let checkpoint = opened.checkpoint;
        let ticket = self.wait(to, Task::Synchronize { checkpoint, handle }, Some(timeout));
        self.with_replica(checkpoint, |replica, out| {
            replica.synchronize(RequestId(ticket.0), out);
        });
    }

    /// §3.1.7.1: whether there is a replica to answer. `None`: there is.
    fn reach(&self, asked: Asked, opened: Opened) -> Result<Option<Go>, Refused> {
        let it = self.registry.get(opened.checkpoint).expect("an open one is there");
        match (it.serves(), asked.certain) {
            (true, _) => Ok(None),
            (false, false) => Ok(Some(Go::Uncertain)),
            (false, true) => Err(Refused::NoActive { name: it.name.clone() }),
        }
    }

    fn update(
        &mut self,
        checkpoint: CheckpointId,
        ticket: Ticket,
        by: Option<OpenId>,
        mutation: Mutation,
    ) {
        let update = Timed { at: self.now.wall, by, mutation };
        self.with_replica(checkpoint, |replica, out| {
            replica.update(RequestId(ticket.0), update, out);
        });
    }

    /// Has a replica do something, and does what follows from it.
    pub(crate) fn with_replica(
        &mut self,
        id: CheckpointId,
        act: impl FnOnce(&mut Replica<Content>, &mut Vec<Effect<Content>>),
    ) {
        let (before, room) = (self.weight_of(id), self.room());
        let mut effects = Vec::new();
        if self.replicas.contains_key(&id) || self.make_replica(id, &mut effects) {
            let replica = self.replicas.get_mut(&id).expect("made if it was not there");
            replica.grant(room);
            act(replica, &mut effects);
        }
        self.weighed(before, self.weight_of(id));
        for effect in effects {
            self.effect(id, effect);
        }
        self.watch_expirations(id);
        self.watch_followers(id);
        self.watch_exhaustion(id);
        self.watch_memory(id);
    }

    /// Looks after a while who has not kept up with this node, if there is anybody who has to.
    fn watch_followers(&mut self, id: CheckpointId) {
        let behind = |it: &Replica<Content>| it.has_followers_behind();
        if self.looks.get(&id).is_none() && self.replicas.get(&id).is_some_and(behind) {
            let interval = Time(self.settings.patience.0 / i64::from(LOOKS));
            if let Some(at) = self.now.at.after(interval) {
                self.looks.set(id, at);
            }
        }
    }

    /// A while has passed.
    pub(crate) fn look(&mut self, id: CheckpointId) {
        let reachable = core::mem::take(&mut self.reachable);
        self.with_replica(id, |replica, out| replica.look(&reachable, LOOKS, out));
        self.reachable = reachable;
    }

    /// This node has to do with a checkpoint for the first time.
    fn make_replica(&mut self, id: CheckpointId, effects: &mut Vec<Effect<Content>>) -> bool {
        let (Some(me), Some(it)) = (self.me, self.registry.get(id)) else { return false };
        let synchronous = it.attributes.creation_flags.synchronous();
        let acknowledge = if synchronous { Acknowledge::All } else { Acknowledge::Active };
        let blank = Content::new(it.attributes, it.created);
        let options = Options::new(acknowledge);
        let replica = Replica::new(me, options, blank, &it.configuration, effects);
        self.replicas.insert(id, replica);
        true
    }

    /// Everyone agrees on a new configuration.
    pub(crate) fn configure(&mut self, id: CheckpointId) {
        let (Some(me), Some(it)) = (self.me, self.registry.get(id)) else { return };
        let configuration = it.configuration.clone();
        let concerned = configuration.is_complete(me)
            || configuration.is_filling(me)
            || it.opens.iter().any(|open| open.client.member == me);
        if self.replicas.contains_key(&id) {
            let requesters = it.opens.iter().map(|open| open.client.member).collect();
            self.with_replica(id, |replica, out| {
                replica.used_by(requesters);
                replica.configure(&configuration, out);
            });
        } else if concerned {
            self.with_replica(id, |_, _| {});
        }
        for came in self.early.take(id) {
            match came {
                Came::Message(from, message) => self.receive(from, message),
                Came::Dropped(from) => {
                    self.with_replica(id, |replica, out| replica.dropped(from, out));
                }
            }
        }
    }

    /// A member says something about a checkpoint.
    pub(crate) fn receive(&mut self, from: MemberId, message: Message) {
        match message {
            Message::Replica { checkpoint, inner } => self.replica_message(from, checkpoint, inner),
            Message::HowFar { checkpoint, question } => self.how_far(from, checkpoint, question),
            Message::SoFar { question, progress } => self.shown(Ticket(question), progress),
        }
    }

    fn replica_message(
        &mut self,
        from: MemberId,
        id: CheckpointId,
        inner: ais_replica::Message<Content>,
    ) {
        if self.replicas.contains_key(&id) || self.registry.get(id).is_some() {
            self.with_replica(id, |replica, out| replica.message(from, inner, out));
        } else if self.registry.is_future(id) {
            self.early.put(id, from, Message::Replica { checkpoint: id, inner });
        }
    }

    pub(crate) fn link(&mut self, member: MemberId, link: Link) {
        let all: Vec<_> = self.replicas.keys().copied().collect();
        for id in all {
            self.with_replica(id, |replica, out| replica.link(member, link, out));
        }
    }

    /// A checkpoint is gone: its data, and what was asked of it.
    pub(crate) fn end_replica(&mut self, id: CheckpointId) {
        self.expirations.clear(&id);
        self.looks.clear(&id);
        self.exhaustions.remove(&id);
        self.weighed(self.weight_of(id), 0);
        let Some(replica) = self.replicas.remove(&id) else { return };
        for RequestId(ticket) in replica.outstanding() {
            let refused = Refused::LostMeanwhile;
            self.finish(Ticket(ticket), Err(refused.into()));
        }
        self.untrack_checkpoint(id);
    }

    fn effect(&mut self, id: CheckpointId, effect: Effect<Content>) {
        match effect {
            Effect::Send(member, inner) => {
                self.out.push(Output::Send(member, Message::Replica { checkpoint: id, inner }));
            }
            Effect::Answered(RequestId(ticket), answer) => self.answered(Ticket(ticket), answer),
            Effect::Synchronized(RequestId(ticket)) => {
                self.finish(Ticket(ticket), Ok(Reply::Done));
            }
            Effect::Completed { epoch, member } => {
                self.order(Command::Completed { checkpoint: id, epoch, member });
            }
            Effect::Sealed { epoch, number } => self.seals.push((id, epoch, number)),
            Effect::Drained { epoch, to } => {
                self.order(Command::Drained { checkpoint: id, epoch, to });
            }
            Effect::Lagging { epoch, member } => {
                self.counters.lagging += 1;
                self.lagging.push((id, epoch, member));
            }
            Effect::Conceded { epoch } => self.conceded.push((id, epoch)),
            Effect::Noted(note) => report::count(&mut self.counters, note),
        }
    }

    /// One entry for all last numbers of a step, one for all who lag behind, and one for all
    /// replicas here that do.
    pub(crate) fn order_collected(&mut self) {
        if !self.seals.is_empty() {
            let seals = core::mem::take(&mut self.seals);
            self.order(Command::Sealed { seals });
        }
        if !self.lagging.is_empty() {
            let members = core::mem::take(&mut self.lagging);
            self.order(Command::Lagging { members });
        }
        if !self.conceded.is_empty() {
            let replicas = core::mem::take(&mut self.conceded);
            self.order(Command::Conceded { replicas });
        }
    }

    fn answered(&mut self, ticket: Ticket, answer: Result<Given, Error>) {
        let Some(Waiting { to, task }) = self.waiting.leave(ticket) else { return };
        if let (Task::Follow { checkpoint }, Ok(Given::Told(told))) = (&task, &answer) {
            return self.told(*checkpoint, told.clone());
        }
        let outcome = answer.and_then(|given| self.reply_of(to, &task, given));
        self.count(&task, &outcome);
        self.answer(to, outcome);
    }

    fn count(&mut self, task: &Task, outcome: &Result<Reply, Error>) {
        let Task::Data { bytes, .. } = task else { return };
        let counters = &mut self.counters;
        match outcome {
            Ok(Reply::Done | Reply::SectionCreated(_)) => {
                counters.writes += 1;
                counters.bytes_written += bytes;
            }
            Ok(Reply::Read(data)) => {
                counters.reads += 1;
                counters.bytes_read += data.iter().map(|it| it.len() as u64).sum::<u64>();
            }
            Ok(_) => counters.reads += 1,
            Err(error) if error.code == ErrorCode::NoResources => counters.refused_memory += 1,
            Err(_) => {}
        }
    }

    fn reply_of(&mut self, to: To, task: &Task, given: Given) -> Result<Reply, Error> {
        Ok(match given {
            Given::Done => Reply::Done,
            Given::Created(section) => Reply::SectionCreated(section),
            Given::Read(data) => Reply::Read(data),
            Given::Status(mut status) => {
                let Task::Data { checkpoint, .. } = task else { return Ok(Reply::Done) };
                if let Some(it) = self.registry.get(*checkpoint) {
                    status.attributes = it.attributes;
                }
                Reply::Status(status)
            }
            Given::Section(section) => {
                if let (To::Caller(caller), Task::Data { iteration: Some(it), .. }) = (to, task)
                    && let Some(client) = self.clients.get_mut(&caller.client)
                {
                    client.advance(*it, section.as_ref().map(|it| &it.section));
                }
                Reply::Section(section.ok_or(Refused::NoSections)?)
            }
            Given::Scanned(scanned) => Reply::Scanned(scanned),
            Given::Told(told) => Reply::Changes(told.into()),
            Given::Expired(_) => Reply::Done,
            Given::Exhausted { max } => return Err(Refused::TooManySections { max }.into()),
        })
    }

    /// Sets the alarm for the next section that goes by itself, where this node is the primary.
    fn watch_expirations(&mut self, id: CheckpointId) {
        let primary = |replica: &&Replica<Content>| replica.configuration().primary() == self.me;
        let replica = self.replicas.get(&id).filter(primary);
        let next =
            replica.and_then(Replica::content).and_then(|it| it.sections().next_expiration());
        match next {
            None => self.expirations.clear(&id),
            Some(due) => {
                let until = Time(due.0.saturating_sub(self.now.wall.0));
                let at = self.now.at.after(until.clamp(Time::BEGIN, EXPIRATION_CHECK));
                self.expirations.set(id, at.expect("a second is a limit"));
            }
        }
    }

    /// §3.1.2: sections whose time has come go.
    pub(crate) fn expire(&mut self, id: CheckpointId) {
        let content = self.replicas.get(&id).and_then(Replica::content);
        let due = content.and_then(|it| it.sections().next_expiration());
        if due.is_some_and(|due| due <= self.now.wall) {
            let task = Task::Data { checkpoint: id, iteration: None, bytes: 0 };
            let ticket = self.wait(To::Nobody, task, None);
            self.update(id, ticket, None, Mutation::Expire);
        } else {
            self.watch_expirations(id);
        }
    }
}

/// What a mutation may be in a checkpoint with these attributes.
fn check(attributes: &CreationAttributes, mutation: &Mutation, now: Time) -> Result<(), Error> {
    match mutation {
        Mutation::Create { section, expiration, data } => {
            params::section_create(attributes, section, *expiration, data.len())?;
        }
        Mutation::Delete { section } => params::not_default(attributes, section)?,
        Mutation::SetExpiration { section, expiration } => {
            params::not_default(attributes, section)?;
            params::expiration_set(*expiration, now)?;
        }
        Mutation::Write { elements } => params::write(attributes, elements)?,
        Mutation::Overwrite { data, .. } => params::size(attributes, data.len() as u64)?,
        Mutation::Expire | Mutation::Corrupt { .. } | Mutation::NoRoom { .. } => {}
    }
    Ok(())
}
