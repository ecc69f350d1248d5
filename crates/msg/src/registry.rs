//! The replicated part: which queues exist, who has them open, where their copies are.
//!
//! The same on every node at the same place of the order. It decides and says what changed
//! ([`Registry::take_changes`]); what follows from that on this node is done elsewhere.

use crate::{
    command::{OpenId, QueueId},
    error::Refused,
    opening::Wish,
};
use ais_replica::Configuration;
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
    pub(crate) copies: u32,
    /// It goes at this time.
    pub(crate) retained_until: Option<GroupTime>,
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

/// All queues of the cluster.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    pub(crate) queues: BTreeMap<QueueId, Queue>,
    pub(crate) names: BTreeMap<Name, QueueId>,
    pub(crate) opens: BTreeMap<OpenId, QueueId>,
    pub(crate) retention: Timers<GroupTime, QueueId>,
    pub(crate) hosts: BTreeSet<MemberId>,
    /// Left, and may still act.
    pub(crate) leaving: BTreeSet<MemberId>,
    /// Opens that are not decided yet, first come first.
    pub(crate) wishes: Vec<Wish>,
    pub(crate) last: QueueId,
    changes: Vec<Change>,
}

/// What a blank member is filled with.
#[derive(Debug, Serialize, Deserialize)]
pub struct Snapshot {
    queues: BTreeMap<QueueId, Queue>,
    hosts: BTreeSet<MemberId>,
    leaving: BTreeSet<MemberId>,
    wishes: Vec<Wish>,
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

    /// §3.6.3. If the queue goes with it: whose say it was under.
    pub(crate) fn close(&mut self, stamp: Stamp, open: OpenId) -> Option<MemberId> {
        self.wishes.retain(|it| it.open != open);
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
        self.wishes.retain(|it| it.open.client != client);
        self.close_where(stamp, |open, _| open.client == client);
    }

    pub(crate) fn process_ended(&mut self, stamp: Stamp, process: ProcessId) {
        self.wishes.retain(|it| it.process != process);
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

    pub(crate) fn changed(&mut self, id: QueueId) {
        let Some(queue) = self.queues.get_mut(&id) else { return };
        queue.settle(id, &self.hosts);
        // Nobody has what was in it, and nobody acts for it any more.
        if queue.configuration.is_lost() && !self.has_acting_primary(id) {
            self.end(id);
        } else {
            self.changes.push(Change::Configured(id));
        }
    }

    /// Whether a lost member may still act for the queue.
    pub(crate) fn has_acting_primary(&self, id: QueueId) -> bool {
        let primary = self.get(id).and_then(|it| it.configuration.primary());
        primary.is_some_and(|it| self.leaving.contains(&it))
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
            wishes: self.wishes.clone(),
            last: self.last,
        }
    }

    pub(crate) fn restore(snapshot: Snapshot) -> Self {
        let Snapshot { queues, hosts, leaving, wishes, last } = snapshot;
        let mut registry = Self { hosts, leaving, wishes, last, ..Self::default() };
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
