//! How a group forms, and how its leader is elected.
//!
//! A group forms only from a majority of the configured voters that are all blank. The one with
//! the lowest number asks the others; a voter takes part in one forming at a time, and in one
//! group in its life: consensus of any other is refused.

use super::{
    member::{Done, Member},
    packet::{Request, Response},
    types::{RaftId, node_of, placeholder},
};
use ais_types::{NodeId, Role};
use std::{collections::BTreeSet, time::Duration};
use tokio::{sync::oneshot, time::Instant};

/// How many failure timeouts a participant waits to be admitted before it starts over.
const PATIENCE: u32 = 20;

/// How far a blank voter is.
#[derive(Debug)]
pub(crate) struct Forming {
    /// Since when it waits for more voters than a majority.
    since: Instant,
    /// Not before this.
    next: Instant,
    /// The group it has promised to take part in, who asked, and until when.
    promised: Option<(u64, RaftId, Instant)>,
    /// What it is about to form itself.
    own: Option<Own>,
}

#[derive(Debug)]
struct Own {
    group: u64,
    founders: BTreeSet<RaftId>,
    missing: BTreeSet<RaftId>,
    until: Instant,
}

impl Forming {
    pub(crate) fn new(now: Instant) -> Self {
        Self { since: now, next: now, promised: None, own: None }
    }
}

impl Member {
    /// Whether a request of that group's consensus is for us. A blank member takes its first.
    pub(crate) fn takes(&mut self, group: Option<u64>) -> bool {
        let Some(group) = group else { return false };
        match (self.group, &self.forming.promised) {
            (Some(mine), _) => mine == group,
            (None, Some((promised, ..))) if *promised != group => false,
            (None, _) => {
                self.group = Some(group);
                self.hello_at = Instant::now();
                true
            }
        }
    }

    /// Whether to take part in forming this group.
    pub(crate) fn promise(&mut self, group: u64, from: RaftId) -> bool {
        let now = Instant::now();
        let free = self.forming.promised.is_none_or(|(it, _, until)| it == group || until < now);
        let agreed = self.group.is_none() && self.is_voter() && self.forming.own.is_none() && free;
        if agreed {
            self.forming.promised = Some((group, from, now + self.timing.failure * 4));
        }
        agreed
    }

    pub(crate) fn tick_formation(&mut self, now: Instant) {
        if self.group.is_some() {
            return self.tick_group(now);
        }
        if let Some((_, from, until)) = self.forming.promised
            && (until < now || self.link.ended.contains_key(&from))
        {
            self.forming.promised = None;
        }
        if self.forming.own.as_ref().is_some_and(|own| own.until < now) {
            self.give_up_forming(now);
        }
        let free = self.forming.own.is_none() && self.forming.promised.is_none();
        if free && self.is_voter() && now >= self.forming.next {
            self.try_to_form(now);
        }
    }

    /// Somewhere along the way it was forgotten, or its group is no more.
    fn tick_group(&mut self, now: Instant) {
        let patience = self.timing.failure * PATIENCE;
        if self.me.is_none() && self.leader.is_none() && now > self.contact + patience {
            self.end("it was never admitted, and nobody leads");
        }
        let others: Vec<u64> = self
            .link
            .hellos()
            .filter(|it| self.config.voters.contains(&it.applicant.identity.node))
            .filter_map(|it| it.group.filter(|group| Some(*group) != self.group))
            .collect();
        let same = |group: &u64| others.iter().filter(|it| *it == group).count();
        if others.iter().any(|group| same(group) >= self.config.majority()) {
            self.end("a majority of the voters has formed another group");
        }
    }

    fn try_to_form(&mut self, now: Instant) {
        let voters = &self.config.voters;
        let peers: Vec<_> = self
            .link
            .hellos()
            .map(|it| (it.applicant.raft, it.applicant.identity.node, it.group))
            .collect();
        if peers.iter().any(|(_, _, group)| group.is_some()) {
            // It has state: its group is to admit us.
            self.forming.since = now;
            return;
        }
        let mut founders: BTreeSet<RaftId> =
            peers.iter().filter(|(_, node, _)| voters.contains(node)).map(|it| it.0).collect();
        founders.insert(self.raft_id);
        let all = founders.len() == voters.len();
        let waited = now >= self.forming.since + self.timing.failure * 2;
        let enough = founders.len() >= self.config.majority() && (all || waited);
        if enough && founders.first() == Some(&self.raft_id) {
            self.form(founders, now);
        }
    }

    fn form(&mut self, founders: BTreeSet<RaftId>, now: Instant) {
        let group = self.rng.u64(1..);
        let mut missing = founders.clone();
        missing.remove(&self.raft_id);
        for founder in missing.iter().copied() {
            let (answer, answered) = oneshot::channel();
            self.link.ask(founder, None, Request::Form(group), answer);
            self.jobs.spawn(async move {
                let agreed = matches!(answered.await, Ok(Response::Yes));
                Done::Founder(group, founder, agreed)
            });
        }
        let until = now + self.timing.failure;
        self.forming.own = Some(Own { group, founders, missing, until });
        self.form_if_agreed();
    }

    pub(crate) fn founder(&mut self, group: u64, founder: RaftId, agreed: bool) {
        let Some(own) = self.forming.own.as_mut().filter(|own| own.group == group) else { return };
        if agreed {
            own.missing.remove(&founder);
            self.form_if_agreed();
        } else {
            self.give_up_forming(Instant::now());
        }
    }

    fn give_up_forming(&mut self, now: Instant) {
        self.forming.own = None;
        let wait = self.timing.failure / 4;
        self.forming.next = now + wait + wait.mul_f64(self.rng.f64());
    }

    /// All founders agreed: consensus begins, with a place for each configured voter.
    fn form_if_agreed(&mut self) {
        let Some(own) = self.forming.own.take_if(|own| own.missing.is_empty()) else { return };
        if self.group.is_some() {
            return;
        }
        let present: BTreeSet<NodeId> = own.founders.iter().map(|it| node_of(*it)).collect();
        let absent = self.config.voters.iter().filter(|it| !present.contains(it));
        let everyone: BTreeSet<RaftId> =
            absent.map(|node| placeholder(*node)).chain(own.founders).collect();
        self.group = Some(own.group);
        let now = Instant::now();
        self.contact = now;
        self.campaign_at = now + self.timing.failure / 2;
        self.hello_at = now;
        let raft = self.raft.clone();
        self.jobs.spawn(async move {
            if let Err(error) = raft.initialize(everyone).await {
                tracing::error!(%error, "the group could not begin");
            }
            Done::Nothing
        });
    }

    /// Campaigns when it is this voter's turn: the leader has been silent for as long as voters
    /// refuse another, and a majority is there to vote. A voter that is cut off never disturbs.
    ///
    /// A leader that has surely ended is followed at once: before the leases that it gave run out.
    pub(crate) fn tick_election(&mut self, now: Instant) {
        let refuse = if self.leader_ended() { self.timing.followed() } else { self.timing.refuse };
        let silent = now > self.contact + refuse;
        if self.leading.is_some() || !silent || now < self.campaign_at {
            return;
        }
        let Some(rank) = self.rank() else { return };
        if now < self.contact + refuse + self.timing.tick + self.timing.step * rank {
            return;
        }
        self.campaign_at = now + self.timing.failure / 5 + self.chance(self.timing.failure / 5);
        self.rushed = !self.has_waited(now);
        let raft = self.raft.clone();
        self.jobs.spawn(async move {
            // A library that has failed says so in its metrics.
            let _ = raft.trigger().elect().await;
            Done::Nothing
        });
    }

    /// Whether the last leader has surely ended: it gives no lease any more.
    fn leader_ended(&self) -> bool {
        self.followed.is_some_and(|leader| self.link.ended.contains_key(&leader))
    }

    /// Whether a vote for another leader is refused.
    pub(crate) fn refuses_votes(&self, now: Instant) -> bool {
        !self.has_waited(now) && !self.leader_ended()
    }

    /// Whether a vote given now comes so long after this voter last was part of a quorum that
    /// confirmed a leader: leases granted on that are at least that old.
    pub(crate) fn has_waited(&self, now: Instant) -> bool {
        let last = match &self.leading {
            Some(leading) => leading.confirmed,
            None if self.led => self.contact,
            None => return true,
        };
        now > last + self.timing.refuse
    }

    /// Whose turn it is among the voters that are there, witnesses last; `None` if this one is no
    /// voter, or if the voters here are no majority.
    fn rank(&self) -> Option<u32> {
        let metrics = self.raft.metrics();
        let membership = metrics.borrow().membership_config.clone();
        let voters: BTreeSet<RaftId> = membership.voter_ids().collect();
        let recent = Instant::now().checked_sub(self.timing.refuse);
        let heard = |raft: &RaftId| {
            self.link.hello(*raft).is_some() && self.link.last_heard(*raft) >= recent
        };
        let here = |raft: &RaftId| *raft == self.raft_id || heard(raft);
        let majority = membership
            .membership()
            .get_joint_config()
            .iter()
            .all(|config| config.iter().filter(|it| here(it)).count() > config.len() / 2);
        if !majority || !voters.contains(&self.raft_id) {
            return None;
        }
        let mut order: Vec<(bool, RaftId)> =
            voters.into_iter().filter(here).map(|raft| (self.is_witness(raft), raft)).collect();
        order.sort_unstable();
        let rank = order.iter().position(|(_, raft)| *raft == self.raft_id)?;
        u32::try_from(rank).ok()
    }

    fn is_witness(&self, raft: RaftId) -> bool {
        let role = match self.link.hello(raft) {
            Some(hello) => hello.applicant.identity.role,
            None => self.config.identity.role,
        };
        role == Role::Witness
    }

    /// Up to this long.
    fn chance(&mut self, most: Duration) -> Duration {
        most.mul_f64(self.rng.f64())
    }
}
