//! How a group forms, and how its leader is elected.
//!
//! A group forms only from a majority of the configured voters that are all blank. The one with
//! the lowest number asks the others; a voter takes part in one forming at a time, and in one
//! group in its life: consensus of any other is refused.

use super::{
    member::{Done, Member},
    packet::{Hello, Request, Response},
    saved::Saved,
    types::{LifeId, RaftId, node_of, placeholder},
};
use ais_types::{NodeId, Role};
use std::{collections::BTreeSet, time::Duration};
use tokio::{sync::oneshot, time::Instant};

/// How often to say whom a cold start waits for.
const REPORT: Duration = Duration::from_secs(5);
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
    promised: Option<(u64, LifeId, Instant)>,
    /// When to say next whom it waits for.
    report: Instant,
    /// What it is about to form itself.
    own: Option<Own>,
}

#[derive(Debug)]
struct Own {
    group: u64,
    founders: BTreeSet<RaftId>,
    missing: BTreeSet<RaftId>,
    /// The newest of what the founders kept of a former group.
    saved: Option<Saved>,
    until: Instant,
}

impl Forming {
    pub(crate) fn new(now: Instant) -> Self {
        Self { since: now, next: now, promised: None, report: now + REPORT, own: None }
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
                self.enter_group(group);
                true
            }
        }
    }

    /// Takes part in this group, for life.
    pub(crate) fn enter_group(&mut self, group: u64) {
        self.group = Some(group);
        self.hello_at = Instant::now();
        self.log.set_group(group);
    }

    /// Whether to take part in forming this group.
    pub(crate) fn promise(&mut self, group: u64, from: LifeId) -> bool {
        let now = Instant::now();
        let free = self.forming.promised.is_none_or(|(it, _, until)| it == group || until < now);
        let agreed = self.group.is_none() && self.is_voter() && self.forming.own.is_none() && free;
        if agreed {
            self.forming.promised = Some((group, from, now + self.timing.failure * 4));
        }
        agreed
    }

    pub(crate) fn tick_formation(&mut self, now: Instant) {
        self.report_waiting(now);
        if self.me.is_none() {
            self.leave_if_unfit();
        }
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

    /// A cold start says whom it waits for.
    fn report_waiting(&mut self, now: Instant) {
        if self.leader.is_some() || self.me.is_some() {
            self.forming.report = now + REPORT;
        } else if now >= self.forming.report {
            self.forming.report = now + REPORT;
            for hello in self.link.hellos() {
                if let Some(clash) = self.clash(hello) {
                    let name = &hello.applicant.identity.name;
                    tracing::error!(%name, "cannot be in one group with this node: {clash}");
                }
            }
            if self.link.hellos().any(|it| it.member.is_some()) {
                return tracing::warn!(
                    "waits to be admitted by the others: if they do not know this node, its \
                     invitation has run out or was used: make another with `ais cluster token`"
                );
            }
            let voters = &self.config.voters;
            let here = |node: &NodeId| {
                *node == self.config.identity.node || self.link.hello_at(*node).is_some()
            };
            let (here, missing): (Vec<NodeId>, Vec<NodeId>) =
                voters.iter().partition(|it| here(it));
            let need = self.config.majority();
            let text = |nodes: &[NodeId]| {
                nodes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            };
            tracing::warn!(
                need,
                here = text(&here),
                missing = text(&missing),
                "waits for a majority of the voters: start those that are missing, or, if they are \
                 lost for good, order `ais cluster reform` on one node",
            );
        }
    }

    /// Somewhere along the way it was forgotten, or its group is no more.
    fn tick_group(&mut self, now: Instant) {
        let patience = self.timing.failure * PATIENCE;
        // Who has its log on disk waits for the others of its group.
        let forgetful = !self.log.is_durable();
        if forgetful && self.me.is_none() && self.leader.is_none() && now > self.contact + patience
        {
            self.end("it was never admitted, and nobody leads");
        }
        if self.link.hellos().any(|it| it.reforms > self.reforms() && it.group != self.group) {
            return self.end_for_good("an operator has formed the group anew without it");
        }
        let others: Vec<u64> = self
            .link
            .hellos()
            .filter(|it| self.config.voters.contains(&it.applicant.identity.node))
            .filter_map(|it| it.group.filter(|group| Some(*group) != self.group))
            .collect();
        let same = |group: &u64| others.iter().filter(|it| *it == group).count();
        if others.iter().any(|group| same(group) >= self.config.majority()) {
            self.end_for_good("a majority of the voters has formed another group");
        }
    }

    fn try_to_form(&mut self, now: Instant) {
        self.adopt_newest_voters();
        if !self.is_voter() {
            return;
        }
        let voters = &self.config.voters;
        let votes = |it: &&Hello| voters.contains(&it.applicant.identity.node);
        let fits = |it: &&Hello| self.clash(it).is_none();
        let blank = self.link.hellos().filter(|it| it.group.is_none()).filter(votes).filter(fits);
        let mut founders: BTreeSet<RaftId> = blank.map(|it| it.applicant.raft).collect();
        founders.insert(self.raft_id);
        // A witness alone remembers no more than the order: it does not keep a majority waiting.
        let majority = founders.len() >= self.config.majority();
        let counts = |it: &Hello| !majority || it.applicant.identity.role != Role::Witness;
        if self.link.hellos().any(|it| it.group.is_some() && counts(it)) {
            // It has state: its group is to admit us.
            self.forming.since = now;
            return;
        }
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
            self.link.ask_raft(founder, None, Request::Form(group), answer);
            self.jobs.spawn(async move {
                let agreed = match answered.await {
                    Ok(Response::Founder(saved)) => Some(saved),
                    Ok(_) | Err(_) => None,
                };
                Done::Founder(group, founder, agreed)
            });
        }
        let until = now + self.timing.failure;
        let saved = self.saved.clone();
        self.forming.own = Some(Own { group, founders, missing, saved, until });
        self.form_if_agreed();
    }

    /// A founder has agreed, and says what it kept of a former group; or it has not.
    pub(crate) fn founder(
        &mut self,
        group: u64,
        founder: RaftId,
        agreed: Option<Option<Box<Saved>>>,
    ) {
        let Some(own) = self.forming.own.as_mut().filter(|own| own.group == group) else { return };
        match agreed {
            Some(saved) => {
                own.missing.remove(&founder);
                own.saved = Saved::newest(own.saved.take(), saved.map(|it| *it));
                self.form_if_agreed();
            }
            None => self.give_up_forming(Instant::now()),
        }
    }

    /// Who votes is what was saved last, by whoever of those that are here.
    fn adopt_newest_voters(&mut self) {
        let newest = self.link.hellos().filter_map(|it| it.saved.as_ref());
        let newest = newest.max_by_key(|(age, _)| *age);
        let own = Saved::age(self.saved.as_ref());
        let newest = newest.filter(|(age, voters)| *age > own && !voters.is_empty());
        if let Some((age, voters)) = newest.filter(|(_, voters)| *voters != self.config.voters) {
            tracing::info!(?voters, ?age, "the voters are those that another node saved last");
            self.config.voters = voters.clone();
        }
    }

    /// An operator's word: this node alone is the group, whoever else was to vote.
    pub(crate) fn form_alone(&mut self) {
        self.config.voters = BTreeSet::from([self.config.identity.node]);
        self.forming.promised = None;
        self.form(BTreeSet::from([self.raft_id]), Instant::now());
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
        self.enter_group(own.group);
        self.found = Some(own.saved.unwrap_or_default());
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
    /// A leader that has surely ended is followed at once: before the leases that it gave run out. One
    /// that is heard and gives a majority no leases counts as silent.
    pub(crate) fn tick_election(&mut self, now: Instant) {
        let refuse = if self.leader_ended() { self.timing.followed() } else { self.timing.refuse };
        let useless = self.useless_since(now);
        let silent = useless.is_some() || now > self.contact + refuse;
        if self.leading.is_some() || !silent || now < self.campaign_at {
            return;
        }
        let Some(rank) = self.rank() else { return };
        let since = useless.unwrap_or(self.contact + refuse);
        if now < since + self.timing.tick + self.timing.step * rank {
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
        !self.has_waited(now) && !self.leader_ended() && self.useless_since(now).is_none()
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
            self.link.life_of(*raft).is_some_and(|life| self.link.last_heard(life) >= recent)
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
        let role = match self.link.hello_at(node_of(raft)) {
            Some(hello) if raft != self.raft_id => hello.applicant.identity.role,
            Some(_) | None => self.config.identity.role,
        };
        role == Role::Witness
    }

    /// Up to this long.
    fn chance(&mut self, most: Duration) -> Duration {
        most.mul_f64(self.rng.f64())
    }
}
