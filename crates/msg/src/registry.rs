//! The replicated part: which queues exist, who has them open, where their copies are.
//!
//! The same on every node at the same place of the order. It decides and says what changed
//! ([`Registry::take_changes`]); what follows from that on this node is done elsewhere.

use crate::{
    Limits,
    command::{OpenId, QueueId},
    error::Refused,
};
use ais_replica::{Configuration, Succession};
use ais_service::Timers;
use ais_types::{
    ClientId, GroupTime, MemberId, Name, ProcessId, Stamp, Time, View,
    msg::{CreationAttributes, CreationFlags},
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use serde::{Deserialize, Serialize};

/// A queue, as everyone knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Queue {
    /// Its name, or the one it had.
    pub(crate) name: Name,
    pub(crate) attributes: CreationAttributes,
    pub(crate) unlinked: bool,
    pub(crate) opener: Option<Opener>,
    pub(crate) configuration: Configuration,
    /// By the leader's wall clock; 0 while it is open.
    pub(crate) close_time: Time,
    copies: u32,
    /// It goes at this time.
    retained_until: Option<GroupTime>,
}

/// Who receives from a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Opener {
    pub(crate) open: OpenId,
    pub(crate) process: ProcessId,
}

/// What changed for the data path of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It is new, or something about it has changed.
    Configured(QueueId),
    /// It is gone.
    Ended(QueueId),
}

/// What one asks to open.
pub(crate) struct Wish {
    pub(crate) name: Name,
    pub(crate) attributes: Option<CreationAttributes>,
    pub(crate) compare_retention: bool,
    pub(crate) copies: u32,
}

/// All queues of the cluster.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    queues: BTreeMap<QueueId, Queue>,
    names: BTreeMap<Name, QueueId>,
    opens: BTreeMap<OpenId, QueueId>,
    retention: Timers<GroupTime, QueueId>,
    hosts: BTreeSet<MemberId>,
    /// Left, and may still act.
    leaving: BTreeSet<MemberId>,
    last: QueueId,
    changes: Vec<Change>,
}

/// What a blank member is filled with.
#[derive(Debug, Serialize, Deserialize)]
pub struct Snapshot {
    queues: BTreeMap<QueueId, Queue>,
    hosts: BTreeSet<MemberId>,
    leaving: BTreeSet<MemberId>,
    last: QueueId,
}

impl Queue {
    fn is_persistent(&self) -> bool {
        self.attributes.flags.has(CreationFlags::PERSISTENT)
    }

    /// The copies follow the opener: it gets one and the say, and no more are kept than wanted.
    fn settle(&mut self, id: QueueId, hosts: &BTreeSet<MemberId>) {
        if self.configuration.is_lost() {
            return;
        }
        let opener = self.opener.map(|it| it.open.client.member).filter(|it| hosts.contains(it));
        if let Some(opener) = opener {
            self.configuration.join(opener);
            let primary = self.configuration.primary();
            if self.configuration.is_complete(opener)
                && primary != Some(opener)
                && self.configuration.next() != Some(opener)
            {
                self.configuration.choose(opener);
            }
        }
        self.add_copies(id, hosts);
        self.drop_copies();
    }

    fn add_copies(&mut self, id: QueueId, hosts: &BTreeSet<MemberId>) {
        let there = self.configuration.replicas();
        let missing = (self.copies as usize).saturating_sub(there.len());
        let free: Vec<_> = hosts.iter().copied().filter(|it| !there.contains(it)).collect();
        // Each queue begins at another member, so that copies spread.
        let start = usize::try_from(id.0 % free.len().max(1) as u64).unwrap_or(0);
        for member in free.iter().cycle().skip(start).take(missing.min(free.len())) {
            self.configuration.join(*member);
        }
    }

    /// Gives surplus copies up, once enough are complete.
    fn drop_copies(&mut self) {
        let primary = self.configuration.primary();
        let opener = self.opener.map(|it| it.open.client.member);
        let keep = |it: &MemberId| Some(*it) == primary || Some(*it) == opener;
        let in_peace = primary.is_some() && self.configuration.next().is_none();
        let complete = self.configuration.complete().count();
        if !in_peace || complete <= self.copies as usize {
            return;
        }
        let mut surplus = complete - self.copies as usize;
        for member in self.configuration.complete().collect::<Vec<_>>() {
            if surplus > 0 && !keep(&member) && self.configuration.remove(member) {
                surplus -= 1;
            }
        }
    }
}

impl Registry {
    pub(crate) fn get(&self, id: QueueId) -> Option<&Queue> {
        self.queues.get(&id)
    }

    pub(crate) fn named(&self, name: &Name) -> Option<QueueId> {
        self.names.get(name).copied()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (QueueId, &Queue)> {
        self.queues.iter().map(|(id, it)| (*id, it))
    }

    pub(crate) fn is_host(&self, member: MemberId) -> bool {
        self.hosts.contains(&member)
    }

    pub(crate) fn hosts(&self) -> Vec<MemberId> {
        self.hosts.iter().copied().collect()
    }

    /// Whether the entry that creates this queue has not been delivered here yet.
    pub(crate) fn is_future(&self, id: QueueId) -> bool {
        id > self.last
    }

    pub(crate) fn next_retention(&self) -> Option<GroupTime> {
        self.retention.next()
    }

    /// What changed since the last time, each queue once.
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        let mut changes = core::mem::take(&mut self.changes);
        changes.retain(|it| match it {
            Change::Configured(id) => self.queues.contains_key(id),
            Change::Ended(_) => true,
        });
        changes.sort_by_key(|it| match it {
            Change::Configured(id) | Change::Ended(id) => *id,
        });
        changes.dedup();
        changes
    }

    /// §3.6.1.
    pub(crate) fn open(
        &mut self,
        open: OpenId,
        process: ProcessId,
        wish: Wish,
    ) -> Result<QueueId, Refused> {
        if !self.is_host(open.client.member) {
            return Err(Refused::NoMember);
        }
        let id = match self.names.get(&wish.name) {
            Some(&id) => {
                self.may_open(id, &wish)?;
                id
            }
            None => self.create(open, wish)?,
        };
        let queue = self.queues.get_mut(&id).expect("found or created above");
        queue.opener = Some(Opener { open, process });
        queue.close_time = Time::BEGIN;
        queue.retained_until = None;
        self.retention.clear(&id);
        self.opens.insert(open, id);
        self.changed(id);
        Ok(id)
    }

    /// msg.md 4.1: other attributes come before being open.
    fn may_open(&self, id: QueueId, wish: &Wish) -> Result<(), Refused> {
        let queue = &self.queues[&id];
        let name = || queue.name.clone();
        if let Some(wanted) = wish.attributes {
            let has = queue.attributes;
            let same = [
                (wanted.flags == has.flags, "creation flag"),
                (wanted.sizes == has.sizes, "size"),
                (!wish.compare_retention || wanted.retention == has.retention, "retention time"),
            ];
            if let Some((_, attribute)) = same.into_iter().find(|it| !it.0) {
                return Err(Refused::OtherAttributes { name: name(), attribute });
            }
        }
        match queue.opener {
            Some(_) => Err(Refused::Open { name: name() }),
            None => Ok(()),
        }
    }

    fn create(&mut self, open: OpenId, wish: Wish) -> Result<QueueId, Refused> {
        let Some(attributes) = wish.attributes else {
            return Err(Refused::NoQueue { name: wish.name });
        };
        if self.queues.len() >= Limits::QUEUES {
            return Err(Refused::TooMany { what: "queues", most: Limits::QUEUES });
        }
        self.last = QueueId(self.last.0 + 1);
        let id = self.last;
        let creator = open.client.member;
        let others = self.hosts.iter().copied().filter(|it| *it != creator);
        let others: Vec<_> = others.collect();
        let start = usize::try_from(id.0 % others.len().max(1) as u64).unwrap_or(0);
        let wanted = (wish.copies.max(1) as usize - 1).min(others.len());
        let others = others.iter().cycle().skip(start).take(wanted).copied();
        let configuration = Configuration::new(Some(creator), others, Succession::Automatic);
        let queue = Queue {
            name: wish.name.clone(),
            attributes,
            unlinked: false,
            opener: None,
            configuration,
            close_time: Time::BEGIN,
            copies: wish.copies.max(1),
            retained_until: None,
        };
        self.queues.insert(id, queue);
        self.names.insert(wish.name, id);
        Ok(id)
    }

    /// §3.6.3. If the queue goes with it: whose say it was under.
    pub(crate) fn close(&mut self, stamp: Stamp, open: OpenId) -> Option<MemberId> {
        let id = self.opens.remove(&open)?;
        let primary = self.queues[&id].configuration.primary();
        let queue = self.queues.get_mut(&id).expect("an open queue is there");
        queue.opener = None;
        queue.close_time = Time(stamp.wall);
        let retention = queue.attributes.retention;
        let persistent = queue.is_persistent();
        if queue.unlinked || (!persistent && retention.limit().is_some_and(|it| it.is_zero())) {
            self.end(id);
        } else if !persistent && let Some(until) = stamp.time.after(retention) {
            queue.retained_until = Some(until);
            self.retention.set(id, until);
        }
        self.changed(id);
        primary.filter(|_| !self.queues.contains_key(&id))
    }

    fn close_where(&mut self, stamp: Stamp, theirs: impl Fn(&OpenId, &Opener) -> bool) {
        let opener = |id: &QueueId| self.queues.get(id).and_then(|it| it.opener);
        let opens = self.opens.iter();
        let closed: Vec<OpenId> = opens
            .filter(|(open, id)| opener(id).is_some_and(|it| theirs(open, &it)))
            .map(|(open, _)| *open)
            .collect();
        for open in closed {
            self.close(stamp, open);
        }
    }

    pub(crate) fn close_all(&mut self, stamp: Stamp, client: ClientId) {
        self.close_where(stamp, |open, _| open.client == client);
    }

    pub(crate) fn process_ended(&mut self, stamp: Stamp, process: ProcessId) {
        self.close_where(stamp, |_, opener| opener.process == process);
    }

    /// §3.6.6. Under whose say the queue is.
    pub(crate) fn unlink(&mut self, name: &Name) -> Result<Option<MemberId>, Refused> {
        let Some(id) = self.names.remove(name) else {
            return Err(Refused::NoQueue { name: name.clone() });
        };
        let queue = self.queues.get_mut(&id).expect("a named queue is there");
        queue.unlinked = true;
        let primary = queue.configuration.primary();
        if queue.opener.is_none() {
            self.end(id);
        }
        self.changed(id);
        Ok(primary)
    }

    /// §3.6.5.
    pub(crate) fn retain(&mut self, open: OpenId, retention: Time) -> Result<(), Refused> {
        let queue = self.opens.get(&open).and_then(|id| self.queues.get_mut(id));
        let Some(queue) = queue else { return Err(Refused::BadHandle(open.handle)) };
        let rule = if queue.unlinked {
            "an unlinked queue goes with its close: it has no retention time"
        } else if queue.is_persistent() {
            "a persistent queue goes only by Unlink: it has no retention time"
        } else {
            queue.attributes.retention = retention;
            return Ok(());
        };
        Err(Refused::Kind { name: queue.name.clone(), rule })
    }

    /// Queues whose retention time is over go.
    pub(crate) fn time(&mut self, now: GroupTime) {
        while let Some(id) = self.retention.pop_due(now) {
            self.end(id);
        }
    }

    pub(crate) fn view(&mut self, view: &View) {
        let hosts: BTreeSet<MemberId> = view.hosts().map(|it| it.id).collect();
        let before = core::mem::replace(&mut self.hosts, hosts);
        let left: Vec<_> = before.difference(&self.hosts).copied().collect();
        self.leaving.extend(&left);
        for id in self.queues.keys().copied().collect::<Vec<_>>() {
            let queue = self.queues.get_mut(&id).expect("listed above");
            let mut changed = before != self.hosts;
            for member in &left {
                changed |= queue.configuration.left(*member);
            }
            if changed {
                self.changed(id);
            }
        }
    }

    /// A lost member has stopped: what its programs had open is closed, and not before, since
    /// until then they may still receive.
    pub(crate) fn released(&mut self, stamp: Stamp, member: MemberId) {
        self.leaving.remove(&member);
        for id in self.queues.keys().copied().collect::<Vec<_>>() {
            let queue = self.queues.get_mut(&id).expect("listed above");
            if queue.configuration.released(member) {
                self.changed(id);
            }
        }
        self.close_where(stamp, |open, _| open.client.member == member);
    }

    pub(crate) fn completed(&mut self, id: QueueId, epoch: u64, member: MemberId) {
        let configuration = |it: &mut Queue| it.configuration.completed(epoch, member);
        self.configure(id, configuration);
    }

    pub(crate) fn sealed(&mut self, id: QueueId, epoch: u64, member: MemberId, number: u64) {
        self.configure(id, |it| it.configuration.sealed(epoch, member, number));
    }

    pub(crate) fn drained(&mut self, id: QueueId, epoch: u64, to: MemberId) {
        self.configure(id, |it| it.configuration.drained(epoch, to));
    }

    fn configure(&mut self, id: QueueId, change: impl FnOnce(&mut Queue) -> bool) {
        if self.queues.get_mut(&id).is_some_and(change) {
            self.changed(id);
        }
    }

    fn changed(&mut self, id: QueueId) {
        let Some(queue) = self.queues.get_mut(&id) else { return };
        queue.settle(id, &self.hosts);
        // Nobody has what was in it, and nobody acts for it any more.
        let acts = queue.configuration.primary().is_some_and(|it| self.leaving.contains(&it));
        if queue.configuration.is_lost() && !acts {
            self.end(id);
        } else {
            self.changes.push(Change::Configured(id));
        }
    }

    fn end(&mut self, id: QueueId) {
        let Some(queue) = self.queues.remove(&id) else { return };
        if !queue.unlinked {
            self.names.remove(&queue.name);
        }
        if let Some(opener) = queue.opener {
            self.opens.remove(&opener.open);
        }
        self.retention.clear(&id);
        self.changes.push(Change::Ended(id));
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            queues: self.queues.clone(),
            hosts: self.hosts.clone(),
            leaving: self.leaving.clone(),
            last: self.last,
        }
    }

    pub(crate) fn restore(snapshot: Snapshot) -> Self {
        let Snapshot { queues, hosts, leaving, last } = snapshot;
        let mut registry = Self { hosts, leaving, last, ..Self::default() };
        for (id, queue) in &queues {
            if !queue.unlinked {
                registry.names.insert(queue.name.clone(), *id);
            }
            if let Some(opener) = queue.opener {
                registry.opens.insert(opener.open, *id);
            }
            if let Some(until) = queue.retained_until {
                registry.retention.set(*id, until);
            }
        }
        registry.queues = queues;
        registry
    }
}
