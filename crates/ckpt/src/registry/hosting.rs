//! Who hosts replicas: members that come and go, keep up or do not, have memory or have none.

use super::{Change, Registry};
use crate::{
    command::{CheckpointId, OpenId},
    placement,
};
use ais_types::{ClientId, GroupTime, MemberId, Name, View};
use alloc::{collections::BTreeSet, vec::Vec};
use core::ops::RangeInclusive;

impl Registry {
    /// Who hosts now. The opens of those who left are closed, their replicas are gone.
    pub(crate) fn view(&mut self, now: GroupTime, view: &View) {
        let hosts: BTreeSet<_> = view.hosts().map(|it| it.id).collect();
        let left: Vec<_> = self.hosts.difference(&hosts).copied().collect();
        self.hosts = hosts;
        for member in &left {
            self.full.remove(member);
            self.close_member(now, *member);
        }
        // Whoever comes concerns only those that wait for him.
        let concerned: Vec<_> = match left.is_empty() {
            true => self.short.iter().copied().collect(),
            false => self.checkpoints.keys().copied().collect(),
        };
        for id in concerned {
            self.re_place(id, &left);
        }
    }

    /// A member has no memory for more, and for these replicas not either.
    pub(crate) fn no_room(&mut self, member: MemberId, checkpoints: &[CheckpointId]) {
        if !self.is_host(member) {
            return;
        }
        self.full.insert(member);
        for id in checkpoints {
            let Some(it) = self.checkpoints.get_mut(id) else { continue };
            let led_elsewhere = it.configuration.primary().filter(|it| *it != member);
            // Never the last one that has everything.
            let spared = it.configuration.is_filling(member)
                || led_elsewhere.is_some_and(|leads| it.configuration.is_complete(leads));
            if spared && it.configuration.remove(member) {
                it.wanted = it.wanted.filter(|it| *it != member);
                it.settle();
                self.changes.push(Change::Configured(*id));
            }
            self.re_place(*id, &[]);
        }
    }

    /// A member has memory again.
    pub(crate) fn room(&mut self, member: MemberId) {
        self.full.remove(&member);
        for id in self.short.iter().copied().collect::<Vec<_>>() {
            self.re_place(id, &[]);
        }
    }

    /// The primary of an epoch wants to wait for a member no longer.
    pub(crate) fn lagging(&mut self, id: CheckpointId, epoch: u64, member: MemberId) {
        self.change(id, |it| {
            it.configuration.lagging(epoch, member);
        });
    }

    /// A member knows that its replica is not waited for.
    pub(crate) fn conceded(&mut self, id: CheckpointId, epoch: u64, member: MemberId) {
        self.change(id, |it| {
            it.configuration.conceded(epoch, member);
        });
    }

    /// How often all sections were in use, and not any more, together. Returns which of these
    /// numbers are new, and of what.
    pub(crate) fn exhaustions(
        &mut self,
        id: CheckpointId,
        count: u64,
    ) -> Option<(Name, RangeInclusive<u64>)> {
        let it = self.checkpoints.get_mut(&id)?;
        let told = it.exhaustions;
        it.exhaustions = told.max(count);
        Some((it.name.clone(), told + 1..=it.exhaustions))
    }

    fn close_member(&mut self, now: GroupTime, member: MemberId) {
        let first = ClientId { member, number: 0 };
        let last = ClientId { member, number: u64::MAX };
        let range = *OpenId::all_of(first).start()..=*OpenId::all_of(last).end();
        let opens: Vec<_> = self.opens.range(range).map(|(id, _)| *id).collect();
        opens.into_iter().for_each(|open| self.close(now, open));
    }

    /// Takes lost replicas out and, where the service places them, makes up for them.
    fn re_place(&mut self, id: CheckpointId, left: &[MemberId]) {
        let Some(checkpoint) = self.checkpoints.get_mut(&id) else { return };
        let mut changed = false;
        for member in left {
            changed |= checkpoint.configuration.left(*member);
            if checkpoint.wanted == Some(*member) {
                checkpoint.wanted = None;
            }
        }
        if checkpoint.configuration.is_lost() {
            self.end(id);
            return;
        }
        if !checkpoint.attributes.creation_flags.collocated() {
            let mut there = checkpoint.configuration.replicas();
            if there.len() < checkpoint.copies as usize {
                let with_room = self.hosts.difference(&self.full).copied().collect();
                for member in placement::further(id, &there, &with_room, checkpoint.copies) {
                    checkpoint.configuration.join(member);
                    there.push(member);
                    changed = true;
                }
            }
            match there.len() < checkpoint.copies as usize {
                true => self.short.insert(id),
                false => self.short.remove(&id),
            };
        }
        if changed {
            checkpoint.settle();
            self.changes.push(Change::Configured(id));
        }
    }

    /// A member that left has surely stopped acting: what it was primary of goes on elsewhere.
    pub(crate) fn released(&mut self, member: MemberId) {
        for (id, checkpoint) in &mut self.checkpoints {
            if checkpoint.configuration.released(member) {
                // 3.1.7.1: with its node the active replica is gone, until another is chosen.
                checkpoint.active = false;
                checkpoint.settle();
                self.changes.push(Change::Configured(*id));
            }
        }
    }
}
