//! The replicated part: which checkpoints exist, who has them open, where their data are.
//!
//! The same on every node at the same place of the order. It decides and says what changed
//! ([`Registry::take_changes`]); what follows from that on this node is done elsewhere.

mod hosting;

use crate::{
    command::{CheckpointId, OpenId},
    error::Refused,
    placement,
};
use ais_replica::{Configuration, Succession};
use ais_service::Timers;
use ais_types::{
    ClientId, GroupTime, MemberId, Name, ProcessId, Stamp, Time,
    ckpt::{CreationAttributes, OpenFlags},
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::ops::Bound;
use serde::{Deserialize, Serialize};

/// A checkpoint, as everyone knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    /// Its name, or the one it had.
    pub(crate) name: Name,
    pub(crate) attributes: CreationAttributes,
    /// When it was created, by the leader's wall clock.
    pub(crate) created: Time,
    pub(crate) unlinked: bool,
    pub(crate) opens: BTreeSet<OpenId>,
    pub(crate) configuration: Configuration,
    /// How many replicas to keep, if it is not collocated.
    copies: u32,
    /// Collocated and asynchronous: the primary is the active replica (§3.1.7.1).
    active: bool,
    /// Collocated and asynchronous: who is to be active, as soon as it has everything.
    wanted: Option<MemberId>,
    /// Nobody has it open; it goes at this time.
    retained_until: Option<GroupTime>,
    /// How often all sections were in use, and not any more, as everyone was told.
    pub(crate) exhaustions: u64,
}

impl Checkpoint {
    /// Whether the program chooses the active replica.
    pub(crate) const fn chosen_active(&self) -> bool {
        let flags = self.attributes.creation_flags;
        flags.collocated() && !flags.synchronous()
    }

    /// Whether data can be reached at all: 3.1.7.1, not before an active replica was chosen.
    pub(crate) const fn serves(&self) -> bool {
        self.active || !self.chosen_active()
    }

    /// Whether this member's replica is the active one, and nobody is about to take over.
    pub(crate) fn is_active(&self, member: MemberId) -> bool {
        self.active
            && self.configuration.primary() == Some(member)
            && self.configuration.next().is_none()
    }

    /// Whether this member is to become active, and is not yet.
    pub(crate) fn is_wanted(&self, member: MemberId) -> bool {
        self.wanted == Some(member)
    }

    /// Whether somebody is active, or is to become so.
    pub(crate) const fn has_active(&self) -> bool {
        self.active || self.wanted.is_some()
    }

    fn has_replica(&self, member: MemberId) -> bool {
        self.configuration.is_complete(member) || self.configuration.is_filling(member)
    }

    /// Leads towards the active replica that is wanted. Called after every change.
    fn settle(&mut self) {
        let Some(wanted) = self.wanted else { return };
        let configuration = &mut self.configuration;
        if configuration.primary() == Some(wanted) && configuration.next().is_none() {
            self.active = true;
            self.wanted = None;
        } else if configuration.is_complete(wanted) && configuration.next() != Some(wanted) {
            configuration.choose(wanted);
        }
    }
}

/// One open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Open {
    pub(crate) checkpoint: CheckpointId,
    pub(crate) process: ProcessId,
    pub(crate) flags: OpenFlags,
}

/// What changed for the data path of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It is new, or its configuration, opens, or active replica changed.
    Configured(CheckpointId),
    /// It is gone, with everything that was open.
    Ended(CheckpointId),
}

/// What one asks to open.
pub(crate) struct Wish {
    pub(crate) name: Name,
    pub(crate) attributes: Option<CreationAttributes>,
    pub(crate) flags: OpenFlags,
    pub(crate) compare_retention: bool,
    pub(crate) copies: u32,
    pub(crate) most: (u32, u32),
}

/// All checkpoints of the cluster.
#[derive(Default)]
pub(crate) struct Registry {
    checkpoints: BTreeMap<CheckpointId, Checkpoint>,
    /// Those that are not unlinked.
    names: BTreeMap<Name, CheckpointId>,
    /// Those that are.
    nameless: BTreeSet<CheckpointId>,
    opens: BTreeMap<OpenId, Open>,
    by_process: BTreeMap<ProcessId, BTreeSet<OpenId>>,
    retention: Timers<GroupTime, CheckpointId>,
    /// The members that can have replicas.
    hosts: BTreeSet<MemberId>,
    /// Those of them that have no memory for more.
    full: BTreeSet<MemberId>,
    /// Checkpoints placed by the service that have fewer replicas than wished for.
    short: BTreeSet<CheckpointId>,
    last: CheckpointId,
    changes: Vec<Change>,
}

/// What a blank member is filled with.
#[derive(Serialize, Deserialize)]
pub struct Snapshot {
    checkpoints: BTreeMap<CheckpointId, Checkpoint>,
    opens: BTreeMap<OpenId, Open>,
    hosts: BTreeSet<MemberId>,
    full: BTreeSet<MemberId>,
    short: BTreeSet<CheckpointId>,
    last: CheckpointId,
}

impl Registry {
    pub(crate) fn get(&self, id: CheckpointId) -> Option<&Checkpoint> {
        self.checkpoints.get(&id)
    }

    /// Those with greater numbers.
    pub(crate) fn after(
        &self,
        id: CheckpointId,
    ) -> impl Iterator<Item = (CheckpointId, &Checkpoint)> {
        let after = (Bound::Excluded(id), Bound::Unbounded);
        self.checkpoints.range(after).map(|(id, it)| (*id, it))
    }

    /// The checkpoint of this name, then those that had it; and who leads each.
    pub(crate) fn called(
        &self,
        name: &Name,
    ) -> impl Iterator<Item = (CheckpointId, Option<MemberId>)> {
        let nameless = self.nameless.iter().filter(move |it| self.checkpoints[it].name == *name);
        let all = self.names.get(name).into_iter().chain(nameless);
        all.map(|id| (*id, self.checkpoints[id].configuration.primary()))
    }

    pub(crate) fn open_of(&self, id: OpenId) -> Option<&Open> {
        self.opens.get(&id)
    }

    pub(crate) fn is_host(&self, member: MemberId) -> bool {
        self.hosts.contains(&member)
    }

    /// The members that can have replicas.
    pub(crate) fn hosts(&self) -> Vec<MemberId> {
        self.hosts.iter().copied().collect()
    }

    /// Whether the entry that creates this checkpoint has not been delivered here yet.
    pub(crate) fn is_future(&self, id: CheckpointId) -> bool {
        id > self.last
    }

    pub(crate) fn next_retention(&self) -> Option<GroupTime> {
        self.retention.next()
    }

    /// What changed since the last time, each checkpoint once, in the order of their ids.
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        let mut changes = core::mem::take(&mut self.changes);
        let checkpoints = &self.checkpoints;
        changes.retain(|it| match it {
            Change::Configured(id) => checkpoints.contains_key(id),
            Change::Ended(_) => true,
        });
        changes.sort_by_key(|it| match it {
            Change::Configured(id) | Change::Ended(id) => *id,
        });
        changes.dedup();
        changes
    }

    /// §3.6.1: opens for a member's client, creating the checkpoint if it is to.
    pub(crate) fn open(
        &mut self,
        stamp: Stamp,
        open: OpenId,
        process: ProcessId,
        wish: Wish,
    ) -> Result<CheckpointId, Refused> {
        let member = open.client.member;
        if !self.is_host(member) {
            return Err(Refused::NoMember(member.node));
        }
        if self.opens.len() >= wish.most.1 as usize {
            return Err(Refused::too_many("opens", wish.most.1 as usize, "close some"));
        }
        let flags = wish.flags;
        let id = match self.names.get(&wish.name) {
            Some(id) => {
                self.compare(*id, &wish)?;
                let it = &self.checkpoints[id];
                let needs_replica = it.attributes.creation_flags.collocated();
                if needs_replica && self.full.contains(&member) && !it.has_replica(member) {
                    return Err(Refused::NoRoomHere { name: wish.name });
                }
                *id
            }
            None => self.create(stamp, member, wish)?,
        };
        self.opens.insert(open, Open { checkpoint: id, process, flags });
        self.by_process.entry(process).or_default().insert(open);
        self.retention.clear(&id);
        let checkpoint = self.checkpoints.get_mut(&id).expect("found or created");
        checkpoint.opens.insert(open);
        checkpoint.retained_until = None;
        if checkpoint.attributes.creation_flags.collocated() {
            checkpoint.configuration.join(member);
        }
        self.changes.push(Change::Configured(id));
        Ok(id)
    }

    fn compare(&self, id: CheckpointId, wish: &Wish) -> Result<(), Refused> {
        let Some(wished) = wish.attributes else { return Ok(()) };
        let there = self.checkpoints[&id].attributes;
        let attribute = if wished.creation_flags != there.creation_flags {
            "creationFlags"
        } else if wished.checkpoint_size != there.checkpoint_size {
            "checkpointSize"
        } else if wished.max_sections != there.max_sections {
            "maxSections"
        } else if wished.max_section_size != there.max_section_size {
            "maxSectionSize"
        } else if wished.max_section_id_size != there.max_section_id_size {
            "maxSectionIdSize"
        } else if wish.compare_retention && wished.retention_duration != there.retention_duration {
            "retentionDuration"
        } else {
            return Ok(());
        };
        Err(Refused::OtherAttributes { name: wish.name.clone(), attribute })
    }

    fn create(
        &mut self,
        stamp: Stamp,
        creator: MemberId,
        wish: Wish,
    ) -> Result<CheckpointId, Refused> {
        let Some(attributes) = wish.attributes else {
            return Err(Refused::NoCheckpoint { name: wish.name });
        };
        let limit = wish.most.0 as usize;
        if self.checkpoints.len() >= limit {
            return Err(Refused::too_many("checkpoints", limit, "close or unlink some"));
        }
        let id = CheckpointId(self.last.0 + 1);
        let collocated = attributes.creation_flags.collocated();
        let wanted = if collocated { 1 } else { wish.copies };
        let with_room = self.hosts.difference(&self.full).copied().collect();
        let replicas = placement::begin(id, creator, &with_room, wanted);
        let leads = replicas.first().copied().filter(|it| *it == creator || !collocated);
        let Some(leads) = leads else {
            return Err(Refused::NoRoomHere { name: wish.name });
        };
        self.last = id;
        if replicas.len() < wanted as usize {
            self.short.insert(id);
        }
        let configuration = Configuration::new(Some(leads), replicas, Succession::Automatic);
        self.names.insert(wish.name.clone(), id);
        let checkpoint = Checkpoint {
            name: wish.name,
            attributes,
            created: Time(stamp.wall),
            unlinked: false,
            opens: BTreeSet::new(),
            configuration,
            copies: wish.copies,
            active: false,
            wanted: None,
            retained_until: None,
            exhaustions: 0,
        };
        self.checkpoints.insert(id, checkpoint);
        Ok(id)
    }

    /// §3.6.3: gives one handle back. No effect if it is not open.
    pub(crate) fn close(&mut self, now: GroupTime, open: OpenId) {
        let Some(id) = self.forget(open) else { return };
        let Some(checkpoint) = self.checkpoints.get_mut(&id) else { return };
        checkpoint.opens.remove(&open);
        if !checkpoint.opens.is_empty() {
            return;
        }
        if checkpoint.unlinked || checkpoint.attributes.retention_duration <= Time::BEGIN {
            self.end(id);
        } else if let Some(at) = now.after(checkpoint.attributes.retention_duration) {
            checkpoint.retained_until = Some(at);
            self.retention.set(id, at);
        }
    }

    /// Gives all handles of a session back.
    pub(crate) fn close_all(&mut self, now: GroupTime, client: ClientId) {
        let opens: Vec<_> = self.opens.range(OpenId::all_of(client)).map(|(id, _)| *id).collect();
        opens.into_iter().for_each(|open| self.close(now, open));
    }

    /// §3.1.8, ais-common 7.5: the end of a process is the close of all it has open.
    pub(crate) fn process_ended(&mut self, now: GroupTime, process: ProcessId) {
        let opens = self.by_process.remove(&process).unwrap_or_default();
        opens.into_iter().for_each(|open| self.close(now, open));
    }

    /// §3.6.4.
    pub(crate) fn unlink(&mut self, name: &Name) -> Result<(), Refused> {
        let Some(id) = self.names.remove(name) else {
            return Err(Refused::NoCheckpoint { name: name.clone() });
        };
        let checkpoint = self.checkpoints.get_mut(&id).expect("names lead to checkpoints");
        checkpoint.unlinked = true;
        self.nameless.insert(id);
        if checkpoint.opens.is_empty() {
            self.end(id);
        }
        Ok(())
    }

    /// §3.6.5.
    pub(crate) fn retain(&mut self, id: CheckpointId, duration: Time) -> Result<(), Refused> {
        let checkpoint = self.checkpoints.get_mut(&id);
        let checkpoint = checkpoint.ok_or(Refused::BadHandle(id.0))?;
        if checkpoint.unlinked {
            let rule = "it is unlinked, so its retention duration has no use any more";
            return Err(Refused::Kind { name: checkpoint.name.clone(), rule });
        }
        checkpoint.attributes.retention_duration = duration;
        Ok(())
    }

    /// §3.6.6: a member's replica is to be the active one. The last who asks wins.
    pub(crate) fn activate(&mut self, id: CheckpointId, member: MemberId) {
        let is_host = self.is_host(member);
        self.change(id, |it| {
            if it.chosen_active() && is_host {
                it.wanted = Some(member);
                it.configuration.join(member);
            }
        });
    }

    /// The primary of an epoch has filled a replica.
    pub(crate) fn completed(&mut self, id: CheckpointId, epoch: u64, member: MemberId) {
        self.change(id, |it| {
            it.configuration.completed(epoch, member);
        });
    }

    /// A survivor has said how much it has.
    pub(crate) fn sealed(&mut self, id: CheckpointId, epoch: u64, member: MemberId, number: u64) {
        self.change(id, |it| {
            it.configuration.sealed(epoch, member, number);
        });
    }

    /// The primary of an epoch has handed over.
    pub(crate) fn drained(&mut self, id: CheckpointId, epoch: u64, to: MemberId) {
        self.change(id, |it| {
            it.configuration.drained(epoch, to);
        });
    }

    fn change(&mut self, id: CheckpointId, change: impl FnOnce(&mut Checkpoint)) {
        // It may have ended meanwhile: then there is nothing to change.
        let Some(checkpoint) = self.checkpoints.get_mut(&id) else { return };
        change(checkpoint);
        checkpoint.settle();
        self.changes.push(Change::Configured(id));
    }

    /// Checkpoints whose retention is over go.
    pub(crate) fn time(&mut self, now: GroupTime) {
        while let Some(id) = self.retention.pop_due(now) {
            self.end(id);
        }
    }

    /// Deletes a checkpoint, and closes whatever is open of it.
    fn end(&mut self, id: CheckpointId) {
        let Some(checkpoint) = self.checkpoints.remove(&id) else { return };
        self.retention.clear(&id);
        self.nameless.remove(&id);
        self.short.remove(&id);
        if self.names.get(&checkpoint.name) == Some(&id) {
            self.names.remove(&checkpoint.name);
        }
        for open in checkpoint.opens {
            self.forget(open);
        }
        self.changes.push(Change::Ended(id));
    }

    /// Removes an open; says of what it was one.
    fn forget(&mut self, open: OpenId) -> Option<CheckpointId> {
        let Open { checkpoint, process, .. } = self.opens.remove(&open)?;
        if let Some(opens) = self.by_process.get_mut(&process) {
            opens.remove(&open);
            if opens.is_empty() {
                self.by_process.remove(&process);
            }
        }
        Some(checkpoint)
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            checkpoints: self.checkpoints.clone(),
            opens: self.opens.clone(),
            hosts: self.hosts.clone(),
            full: self.full.clone(),
            short: self.short.clone(),
            last: self.last,
        }
    }

    pub(crate) fn restore(snapshot: Snapshot) -> Self {
        let Snapshot { checkpoints, opens, hosts, full, short, last } = snapshot;
        let mut registry = Self { hosts, full, short, last, ..Self::default() };
        for (id, checkpoint) in &checkpoints {
            if checkpoint.unlinked {
                registry.nameless.insert(*id);
            } else {
                registry.names.insert(checkpoint.name.clone(), *id);
            }
            if let Some(at) = checkpoint.retained_until {
                registry.retention.set(*id, at);
            }
        }
        for (id, open) in &opens {
            registry.by_process.entry(open.process).or_default().insert(*id);
        }
        Self { checkpoints, opens, ..registry }
    }
}
