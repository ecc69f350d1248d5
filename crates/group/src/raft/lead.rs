//! What the leader does: it alone decides who joins and who is out, and when deadlines are due.
//! All of it are proposals; what counts is what is agreed.

use super::{
    member::{Done, Member},
    orders::Lane,
    packet::{Packet, Ping, Response, Verdict},
    saved::Saved,
    state::{Applicant, Former, Op},
    types::{LifeId, Proposal, RaftId, node_of},
};
use ais_types::{GroupTime, MemberId, NodeId};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tokio::{task::AbortHandle, time::Instant};

/// Who is behind by more entries than this is ordered out.
const LAG_MAX: u64 = 50_000;
/// If the log takes more memory than this, whoever is furthest behind is ordered out.
const LOG_MAX: usize = 64 << 20;

/// What a proposal is for; one of each is on its way at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// The leader's own orders.
    Own(Lane),
    /// A peer waits for the answer to this request.
    Answer(NodeId, u64),
    Formed,
    Join(LifeId),
    Left(MemberId),
    Released(MemberId),
    Time,
    Overdue,
}

/// What a leader knows, from its election on.
#[derive(Debug)]
pub(crate) struct Leading {
    pub(crate) term: u64,
    since: Instant,
    /// Leases of former leaders have run out by then.
    former: Instant,
    pending: BTreeSet<Key>,
    /// Pings that came after the current round began.
    pub(crate) waiting: Vec<Waiting>,
    /// Pings that the current round will answer.
    pub(crate) in_round: Vec<Waiting>,
    /// The number of that round.
    pub(crate) round: u64,
    /// When a quorum last confirmed that it leads.
    pub(crate) confirmed: Instant,
    seen: BTreeMap<MemberId, Seen>,
    /// When the last ping arrived for which a lease was granted.
    granted: BTreeMap<MemberId, Instant>,
    /// Who is being ordered out: gets no lease any more.
    condemned: BTreeSet<MemberId>,
    /// Pairs that do not hear each other, and since when.
    pub(crate) cuts: BTreeMap<(MemberId, MemberId), Instant>,
    admitting: Option<(LifeId, AbortHandle)>,
    /// Whether consensus' own membership is being tidied.
    pub(crate) changing: bool,
    /// Everyone has the log up to here.
    pub(crate) purge: u64,
    /// The view whose recovery plugs are in, and since when that is seen.
    plugged: Option<(u64, Instant)>,
    /// When to say next for which plugs messages wait.
    plug_report: Instant,
}

/// A ping that waits for a round.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) from: LifeId,
    pub(crate) ping: Ping,
    pub(crate) arrived: Instant,
}

/// What is known of a member.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Since when it is judged.
    since: Instant,
    /// When it was last well.
    at: Instant,
    pub(crate) applied: u64,
    pub(crate) hears: Option<BTreeSet<LifeId>>,
}

impl Seen {
    fn new(now: Instant) -> Self {
        Self { since: now, at: now, applied: 0, hears: None }
    }
}

impl Leading {
    pub(crate) fn new(term: u64, now: Instant, former: Duration) -> Self {
        Self {
            term,
            since: now,
            former: now + former,
            pending: BTreeSet::new(),
            waiting: Vec::new(),
            in_round: Vec::new(),
            round: 0,
            confirmed: now,
            seen: BTreeMap::new(),
            granted: BTreeMap::new(),
            condemned: BTreeSet::new(),
            cuts: BTreeMap::new(),
            admitting: None,
            changing: false,
            purge: 0,
            plugged: None,
            plug_report: now,
        }
    }

    /// A member has given a sign of life. It counts as well if its owner is, and if it gets its
    /// leases, that is, if it hears us too.
    pub(crate) fn heard(&mut self, member: MemberId, ping: &Ping, now: Instant, grace: Duration) {
        let seen = self.seen.entry(member).or_insert_with(|| Seen::new(now));
        seen.applied = seen.applied.max(ping.applied);
        seen.hears = Some(ping.hears.iter().copied().collect());
        if ping.alive && (ping.leased || now < seen.since + grace) {
            seen.at = now;
        }
    }

    /// Grants a lease for a ping that arrived then.
    pub(crate) fn grant(&mut self, member: MemberId, arrived: Instant) -> Verdict {
        if self.condemned.contains(&member) {
            return Verdict::None;
        }
        let last = self.granted.entry(member).or_insert(arrived);
        *last = arrived.max(*last);
        Verdict::Lease
    }

    /// The leader was held up for that long: nobody else is to blame.
    pub(crate) fn excuse(&mut self, stall: Duration) {
        self.seen.values_mut().for_each(|seen| seen.at += stall);
        self.cuts.clear();
    }

    pub(crate) fn forget(&mut self, member: MemberId) {
        self.seen.remove(&member);
        self.condemned.remove(&member);
        self.cuts.retain(|(a, b), _| *a != member && *b != member);
    }

    pub(crate) fn welcome(&mut self, member: MemberId, now: Instant) {
        self.seen.insert(member, Seen::new(now));
    }

    pub(crate) fn confirm(&mut self, now: Instant) {
        self.confirmed = now;
    }

    pub(crate) fn seen(&self, member: MemberId) -> Option<&Seen> {
        self.seen.get(&member)
    }

    /// Whether the answer to such a proposal is still to come: another would not be taken.
    pub(crate) fn is_proposing(&self, key: Key) -> bool {
        self.pending.contains(&key)
    }

    /// Whether someone is being admitted.
    pub(crate) fn is_admitting(&self) -> bool {
        self.admitting.is_some()
    }
}

impl Member {
    /// Whether this member leads and knows everything that was agreed before.
    pub(crate) fn is_ready(&self) -> bool {
        let Some(leading) = &self.leading else { return false };
        self.applied.is_some_and(|it| {
            it.leader_id.term == leading.term && it.leader_id.node_id == self.raft_id
        })
    }

    /// Proposes, unless the same is on its way already.
    pub(crate) fn propose(&mut self, key: Key, ops: Vec<Op>) {
        let now = Instant::now();
        let time = self.group_time(now).unwrap_or_default().max(match key {
            Key::Time => self.deadline.unwrap_or_default(),
            Key::Own(_)
            | Key::Answer(..)
            | Key::Formed
            | Key::Join(_)
            | Key::Left(_)
            | Key::Released(_)
            | Key::Overdue => GroupTime::default(),
        });
        let wall = (self.config.wall)().0;
        let Some(leading) = &mut self.leading else { return };
        if !leading.pending.insert(key) {
            return;
        }
        let (raft, proposal) = (self.raft.clone(), Proposal { time: time.0, wall, ops });
        self.jobs.spawn(async move {
            let taken = raft.client_write(proposal).await;
            if let Err(error) = &taken {
                tracing::debug!(?key, %error, "a proposal was not taken");
            }
            Done::Proposed(key, taken.is_ok())
        });
    }

    /// Proposes what a member has asked for. `false`: it is not for us to do.
    pub(crate) fn propose_for(&mut self, from: LifeId, who: MemberId, key: Key, op: Op) -> bool {
        let own = self.is_ready() && self.state.member(from) == Some(who);
        if own {
            self.propose(key, vec![op]);
        }
        own
    }

    pub(crate) fn proposed(&mut self, key: Key, taken: bool) {
        if let Some(leading) = &mut self.leading {
            leading.pending.remove(&key);
        }
        match key {
            Key::Own(lane) if !taken => {
                self.orders.refused(lane, Instant::now() + self.timing.tick);
            }
            Key::Answer(node, tag) => {
                let response = if taken { Response::Yes } else { Response::No };
                self.link.put(node, &Packet::Answer(tag, response));
            }
            // What is still needed is proposed again when it is looked at.
            Key::Own(_)
            | Key::Formed
            | Key::Join(_)
            | Key::Left(_)
            | Key::Released(_)
            | Key::Time
            | Key::Overdue => {}
        }
    }

    /// When the group deadline is due, if this member is to order it.
    pub(crate) fn due(&self) -> Option<Instant> {
        let waits = self.leading.as_ref().is_some_and(|it| !it.pending.contains(&Key::Time));
        let deadline = self.deadline.filter(|it| *it > self.state.timed)?;
        let (time, at) = self.clock.filter(|_| waits && self.is_ready())?;
        at.checked_add(Duration::from_nanos(deadline.0.saturating_sub(time.0)))
    }

    /// Does what a leader does.
    pub(crate) fn tick_leader(&mut self, now: Instant) {
        if !self.is_ready() {
            return;
        }
        if self.due().is_some_and(|due| due <= now) {
            self.propose(Key::Time, vec![Op::Time]);
        }
        if self.state.view.number == 0 {
            return self.form_view();
        }
        if self.reformed {
            return self.reform_view();
        }
        self.check_own_owner(now);
        self.condemn_the_missing(now);
        self.condemn_the_cut(now);
        self.release(now);
        self.turn_away(now);
        self.admit(now);
        self.mark_purge();
        self.watch_plugs(now);
    }

    /// A view does not wait for ever for plugs that do not come out.
    fn watch_plugs(&mut self, now: Instant) {
        let view = self.state.view.number;
        let Some(leading) = &mut self.leading else { return };
        if !self.state.plugs.hold() {
            leading.plugged = None;
            return;
        }
        let (of, since) = *leading.plugged.get_or_insert((view, now));
        if of != view {
            leading.plugged = Some((view, now));
        } else if now >= since + self.config.plug_timeout {
            self.propose(Key::Overdue, vec![Op::Overdue(view)]);
        } else if now >= leading.plug_report {
            leading.plug_report = now + self.config.plug_timeout / 4;
            for plug in self.state.plugs.inside() {
                tracing::warn!(%plug, view, "messages wait for a recovery plug");
            }
        }
    }

    /// The first view: the founders that are here. The others join.
    fn form_view(&mut self) {
        let membership = self.raft.metrics().borrow().membership_config.clone();
        let voters: BTreeSet<RaftId> = membership.voter_ids().collect();
        let others = self.link.hellos().map(|it| &it.applicant);
        let others = others.filter(|it| voters.contains(&it.raft)).cloned();
        let members: Vec<Applicant> = others.chain([self.applicant()]).collect();
        let Saved { generation, voters: _, nodes, index: _, kept_at: _, kept } =
            self.found.clone().or_else(|| self.saved.clone()).unwrap_or_default();
        let nodes = nodes.into_iter().chain(self.config.known()).collect();
        let voters = self.config.voters.clone();
        let former = Former { generation: generation + 1, voters, nodes, kept };
        self.propose(Key::Formed, vec![Op::Formed { members, former }]);
    }

    /// By an operator's word only this member is left of the group.
    fn reform_view(&mut self) {
        match self.me {
            Some(me) => {
                self.propose(Key::Formed, vec![Op::Reformed(me, Box::new(self.state.clone()))])
            }
            None => self.end("it is no member"),
        }
    }

    /// A leader never orders itself out; if its owner is stuck, it makes way.
    fn check_own_owner(&mut self, now: Instant) {
        let since = self.leading.as_ref().map_or(now, |it| it.since);
        let alive = self.shared.alive.load(std::sync::atomic::Ordering::Relaxed);
        let last = since.max(self.shared.start + Duration::from_nanos(alive));
        if self.me.is_some() && now > last + self.timing.failure + self.timing.alive {
            self.end("its owner does not answer");
        }
    }

    fn condemn_the_missing(&mut self, now: Instant) {
        let seats = self.state.seats.iter();
        let ended: BTreeSet<MemberId> = seats
            .filter(|(member, seat)| self.has_ended(**member, seat.life))
            .map(|(member, _)| *member)
            .collect();
        let Some(leading) = &mut self.leading else { return };
        if now > leading.confirmed + self.timing.failure / 2 {
            // Without quorum it is not the others who are missing.
            leading.seen.values_mut().for_each(|seen| seen.at = now);
            leading.cuts.clear();
        }
        let lost_at = |seen: &Seen| seen.at + self.timing.failure;
        let (since, former) = (leading.since, leading.former);
        let missing: Vec<MemberId> = (self.state.seats.iter())
            .filter(|(_, seat)| seat.life != self.life)
            .filter(|(member, seat)| {
                // Who was silent before the election, too, is not given the time again.
                let heard = self.link.last_heard(seat.life).map_or(since, |it| it.min(since));
                let seen = leading.seen.entry(**member);
                let seen = seen.or_insert_with(|| Seen { at: heard, ..Seen::new(since) });
                // Nobody is out before what it was granted has run out, unless it has ended.
                ended.contains(*member) || lost_at(seen).max(former) < now
            })
            .map(|(member, _)| *member)
            .collect();
        missing.into_iter().for_each(|member| self.condemn(member));
    }

    /// Whether this life of its node has surely ended: its host says so, or there is another.
    fn has_ended(&self, member: MemberId, life: LifeId) -> bool {
        let other = self.life_at(member.node).is_some_and(|it| it != life);
        other || self.link.ended.contains_key(&life)
    }

    /// Which life of a node there is.
    fn life_at(&self, node: NodeId) -> Option<LifeId> {
        if node == self.config.identity.node {
            return Some(self.life);
        }
        self.link.hello_at(node).map(|it| it.applicant.life)
    }

    /// Orders a member out, unless the group could not go on without it.
    pub(crate) fn condemn(&mut self, member: MemberId) {
        if !self.can_spare(member) {
            return;
        }
        let Some(leading) = &mut self.leading else { return };
        if leading.condemned.insert(member) {
            tracing::info!(%member, "is ordered out");
        }
        self.propose(Key::Left(member), vec![Op::Left(member)]);
    }

    /// Whether consensus has a majority without this member. A voter that is ordered out forgets
    /// its log: if too few are left, nobody could ever take it in again.
    fn can_spare(&self, member: MemberId) -> bool {
        let Some(seat) = self.state.seats.get(&member) else { return true };
        if self.has_ended(member, seat.life) {
            return true;
        }
        let raft = &seat.raft;
        let now = Instant::now();
        let fresh = self.link.heard_since(now.checked_sub(self.timing.failure).unwrap_or(now));
        let heard = |it: &RaftId| self.link.life_of(*it).is_some_and(|life| fresh.contains(&life));
        let well = |it: &RaftId| it != raft && (*it == self.raft_id || heard(it));
        let membership = self.raft.metrics().borrow().membership_config.membership().clone();
        membership.get_joint_config().iter().all(|config| {
            !config.contains(raft) || config.iter().filter(|it| well(it)).count() > config.len() / 2
        })
    }

    /// Orders the release of whoever has surely stopped acting.
    fn release(&mut self, now: Instant) {
        let Some(leading) = &self.leading else { return };
        let stopped = |(member, life): &(&MemberId, &LifeId)| {
            let granted = leading.granted.get(member).map(|at| *at + self.timing.lease);
            let lease = granted.map_or(leading.former, |it| it.max(leading.former));
            let end = self.link.ended.get(*life).map_or(lease, |ended| lease.min(*ended));
            end + self.timing.margin < now
        };
        let released: Vec<MemberId> =
            self.state.unreleased.iter().filter(stopped).map(|(member, _)| *member).collect();
        for member in released {
            self.propose(Key::Released(member), vec![Op::Released(member)]);
        }
    }

    /// Takes in who stands at the door, one at a time.
    fn admit(&mut self, now: Instant) {
        let (own, rules) = (self.applicant(), self.rules());
        let time = self.group_time(now).unwrap_or_default();
        let Some(leading) = &mut self.leading else { return };
        if let Some((life, job)) = &leading.admitting {
            if self.link.hello(*life).is_none() && *life != self.life {
                job.abort();
                leading.admitting = None;
            }
            return;
        }
        let applicants = self.link.hellos().filter(|it| {
            let Applicant { life, identity, .. } = &it.applicant;
            // What is known of one that is cut off may be from before it was admitted.
            let new = !self.state.has_lived(identity.node, *life);
            let free = it.group.is_none_or(|group| Some(group) == self.group);
            it.member.is_none()
                && new
                && free
                && rules.clash(it.rules).is_none()
                && self.state.bar(it, self.config.open, time).is_none()
        });
        let mut applicants: Vec<Applicant> = applicants.map(|it| it.applicant.clone()).collect();
        applicants.push(own);
        let next = applicants.into_iter().find(|it| {
            self.state.member(it.life).is_none() && !leading.pending.contains(&Key::Join(it.life))
        });
        if let Some(applicant) = next {
            self.take_in(&applicant, now);
        }
    }

    /// Consensus first: as a learner until it has caught up, then, if it is a voter, in the place
    /// of its former life.
    fn take_in(&mut self, applicant: &Applicant, now: Instant) {
        if let Some(former) = self.state.view.member(applicant.identity.node) {
            let former = former.id;
            tracing::info!(%former, "has another life");
            self.condemn(former);
        }
        let (id, life) = (applicant.raft, applicant.life);
        let votes = self.config.voters.contains(&applicant.identity.node);
        let membership = self.raft.metrics().borrow().membership_config.membership().clone();
        let Some(config) = membership.get_joint_config().last() else { return };
        let known = membership.get_node(&id).is_some();
        if config.contains(&id) || (known && !votes) {
            return self.join(life);
        }
        let mut voters: BTreeSet<RaftId> = config.clone();
        voters.retain(|it| node_of(*it) != applicant.identity.node);
        voters.insert(id);
        let (raft, until) = (self.raft.clone(), now + self.timing.failure * 10);
        let job = self.jobs.spawn(async move {
            let work = async {
                raft.add_learner(id, (), true).await.ok()?;
                if votes {
                    raft.change_membership(voters, false).await.ok()?;
                }
                Some(())
            };
            let done = tokio::time::timeout_at(until, work).await;
            Done::Admitted(life, matches!(done, Ok(Some(()))))
        });
        if let Some(leading) = &mut self.leading {
            leading.admitting = Some((life, job));
        }
    }

    pub(crate) fn admitted(&mut self, life: LifeId, done: bool) {
        let Some(leading) = &mut self.leading else { return };
        if leading.admitting.as_ref().is_some_and(|(it, _)| *it == life) {
            leading.admitting = None;
        }
        if done && self.is_ready() {
            self.join(life);
        }
    }

    /// Then the group: with the state of a sponsor.
    fn join(&mut self, life: LifeId) {
        let applicant = match self.link.hello(life) {
            Some(hello) => hello.applicant.clone(),
            None if life == self.life => self.applicant(),
            None => return,
        };
        let node = applicant.identity.node;
        let former = self.state.view.member(node).map(|it| Op::Left(it.id));
        let sponsor = self.sponsor(node);
        if sponsor.is_none() && self.state.view.members.iter().any(|it| it.id.node != node) {
            return;
        }
        // Of a group that has lost all its members only what was saved is left.
        let kept = match sponsor {
            Some(_) => None,
            None => self.saved.as_ref().map(|it| it.kept.clone()),
        };
        let ops = former.into_iter().chain([Op::Joined { applicant, sponsor, kept }]).collect();
        self.propose(Key::Join(life), ops);
    }

    /// Who hands the state to a joiner: this member, or another that is here.
    fn sponsor(&self, joiner: NodeId) -> Option<MemberId> {
        let condemned = self.leading.as_ref().map(|it| &it.condemned);
        let fit = |member: &MemberId, life: LifeId| {
            let here = life == self.life || self.link.hello(life).is_some();
            here && member.node != joiner && condemned.is_none_or(|it| !it.contains(member))
        };
        let fits = self.state.seats.iter().filter(|(member, seat)| fit(member, seat.life));
        let fits: Vec<MemberId> = fits.map(|(member, _)| *member).collect();
        let own = self.me.filter(|me| fits.contains(me) && self.joining.is_none());
        own.or_else(|| fits.first().copied())
    }

    /// Until where everyone in the view has the log; who is too far behind is ordered out.
    fn mark_purge(&mut self) {
        let own = self.applied.map_or(0, |it| it.index);
        let Some(leading) = &mut self.leading else { return };
        let others = (self.state.seats.iter()).filter(|(_, seat)| seat.life != self.life);
        let has = others.map(|(it, _)| (leading.seen.get(it).map_or(0, |it| it.applied), *it));
        let Some((applied, last)) = has.min() else {
            leading.purge = own;
            return;
        };
        leading.purge = leading.purge.max(applied.min(own));
        let behind = own.saturating_sub(applied);
        let judged = leading.seen.get(&last).is_some_and(|seen| seen.applied > 0);
        if judged && (behind > LAG_MAX || (behind > 0 && self.log.bytes() > LOG_MAX)) {
            tracing::warn!(member = %last, behind, "does not keep up");
            self.condemn(last);
        }
    }
}
