//! What the group does by itself: who is in, who may act, who has surely stopped, what time it is.
//!
//! A member that left and a member that joins are two views. A blank member is filled with the
//! state of another one at exactly the place of the order at which it joins.

use crate::{
    group::{Item, Seat},
    world::{Host, World},
};
use ais_node::{Core, Event};
use ais_service::Lease;
use ais_types::{Incarnation, Member, MemberId, NodeId, Time, View};
use std::time::Duration;

/// For how long a member may act after its last contact with a quorum.
pub(crate) const LEASE: Duration = Duration::from_millis(900);
/// After which silence a member is ordered out.
const FAILURE: Duration = Duration::from_secs(1);
/// How much later than its lease a member counts as stopped.
const MARGIN: Duration = Duration::from_millis(100);

// Who is in.
impl World {
    /// Whether this node can reach a quorum.
    pub(crate) fn in_touch(&self, node: NodeId) -> bool {
        self.host(node).runs() && self.group.quorum_side == Some(self.host(node).side)
    }

    /// The side that holds a majority of those that remember. To be called when any of that
    /// changes.
    pub(crate) fn count_votes(&mut self) {
        let formed = self.group.view.number > 0;
        let votes = |it: &&Host| {
            // Before there is a view, everyone is blank.
            !formed || it.runs() && it.member.is_some_and(|me| self.group.view.contains(me))
        };
        let sides = self.hosts.iter().map(|it| it.side);
        let quorum = sides.into_iter().find(|side| {
            let voters = self.hosts.iter().filter(|it| it.side == *side).filter(votes);
            voters.count() * 2 > self.hosts.len()
        });
        self.group.quorum_side = quorum;
    }

    /// The first view, of a majority that is blank.
    pub(crate) fn form(&mut self) {
        let now = self.wall();
        let place = self.group.log.len();
        let founders: Vec<NodeId> =
            self.hosts.iter().filter(|it| it.runs() && it.side == 0).map(|it| it.node).collect();
        let members = founders.iter().map(|it| self.admit(*it, place, 1, now)).collect();
        self.note(|| format!("{founders:?} form a group"));
        self.recall(&founders);
        self.append(Item::View(View { number: 1, members }));
    }

    /// Nobody remembers anything: who is blank forms the group anew.
    fn form_anew(&mut self) {
        let blank = |it: &&Host| it.runs() && it.side == 0;
        let lost = self.hosts.iter().all(|it| it.member.is_none());
        if lost && self.hosts.iter().filter(blank).count() * 2 > self.hosts.len() {
            self.group.left.clear();
            self.form();
        }
    }

    /// The newest of what the founders have on their disks.
    fn recall(&mut self, founders: &[NodeId]) {
        let newest = |of: &dyn Fn(NodeId) -> bool| {
            let kept = self.hosts.iter().filter(|it| of(it.node)).filter_map(|it| it.kept.clone());
            kept.max_by_key(|(stamp, _)| stamp.index)
        };
        let (theirs, all) = (newest(&|it| founders.contains(&it)), newest(&|_| true));
        if theirs != all {
            // Whoever had the last word on it is not there.
            self.ledger.orders.forget_states();
        }
        if let Some((_, kept)) = theirs {
            for founder in founders {
                let seat = self.host(*founder).member.and_then(|it| self.group.seats.get_mut(&it));
                seat.into_iter().for_each(|it| it.joined_at += 1);
            }
            self.append(Item::Kept(kept));
        }
    }

    /// Gives a blank node its seat.
    fn admit(&mut self, node: NodeId, delivered: usize, view: u64, wall: Time) -> Member {
        let lives = self.group.lives.entry(node).or_default();
        *lives += 1;
        let id = MemberId { node, incarnation: Incarnation(*lives) };
        self.group.seats.insert(id, Seat::at(delivered));
        self.host_mut(node).member = Some(id);
        self.host_mut(node).contact = self.now;
        self.step_member(id, Event::Admitted(id));
        Member {
            id,
            name: self.host(node).name.clone(),
            role: self.scene.role(node),
            addresses: vec![format!("10.0.0.{}:4000", node.0)],
            boot_time: wall,
            joined_view: view,
        }
    }

    /// Looks after the members.
    pub(crate) fn tend_group(&mut self) {
        self.count_votes();
        for node in self.nodes() {
            self.tend_lease(node);
        }
        self.count_votes();
        if let Some(side) = self.group.quorum_side {
            self.order_out();
            self.release();
            self.let_in(side);
            self.tell_time();
        } else {
            self.form_anew();
        }
        for member in self.group.seats.keys().copied().collect::<Vec<_>>() {
            self.kick(member);
        }
    }

    /// Puts a view without this member on the log; it has surely stopped at `stopped`.
    fn leave_view(&mut self, member: MemberId, stopped: Duration) {
        let mut view = self.group.view.clone();
        view.number += 1;
        view.members.retain(|it| it.id != member);
        self.group.left.insert(member, stopped);
        if self.scene.registers.may_lose() {
            self.ledger.registers.interrupt();
        }
        self.append(Item::View(view));
    }

    fn order_out(&mut self) {
        let members: Vec<MemberId> = self.group.view.members.iter().map(|it| it.id).collect();
        for member in members {
            if let Some(stopped) = self.missing(member) {
                self.note(|| format!("{member} is ordered out"));
                self.leave_view(member, stopped);
            }
        }
        self.order_out_the_cut();
    }

    /// If a member is to be ordered out: when it has surely stopped.
    fn missing(&self, member: MemberId) -> Option<Duration> {
        let host = self.host(member.node);
        let lapsed = host.contact + LEASE + MARGIN;
        let ended = host.member != Some(member) || host.core.is_none();
        // A host closes the connections of a process that has ended, and says so.
        if ended && !host.unplugged && host.closing <= self.now {
            return Some(lapsed.min(host.closing + MARGIN));
        }
        let silent = self.now >= host.contact + FAILURE && !self.in_touch(member.node);
        silent.then_some(lapsed)
    }

    /// Of two that do not hear each other for long, though both are in touch with a quorum, one
    /// has to go: not the leader.
    fn order_out_the_cut(&mut self) {
        let Some((a, b, since)) = self.plan.split else { return };
        let member = |it: NodeId| {
            let member = self.host(it).member.filter(|_| self.in_touch(it));
            member.filter(|me| self.group.view.contains(*me))
        };
        let (Some(a), Some(b)) = (member(a), member(b)) else { return };
        let members = self.group.view.members.iter();
        let others = members.filter(|it| self.in_touch(it.id.node)).count() - 1;
        if self.now < since + FAILURE * 2 || others * 2 <= self.hosts.len() {
            return;
        }
        let out = if self.leader() == Some(b.node) { a } else { b };
        self.note(|| format!("{out} is ordered out: {a} and {b} do not hear each other"));
        self.host_mut(out.node).contact = self.now;
        let notices = self.now + self.up_to(LEASE);
        self.host_mut(out.node).notices = notices;
        self.leave_view(out, self.now + LEASE + MARGIN);
        self.plan.split = Some((a.node, b.node, self.now));
    }

    fn release(&mut self) {
        let due = |(_, stopped): &(&MemberId, &Duration)| self.now >= **stopped;
        let due: Vec<MemberId> = self.group.left.iter().filter(due).map(|(it, _)| *it).collect();
        for member in due {
            self.group.left.remove(&member);
            if self.host(member.node).member == Some(member) && !self.host(member.node).hung {
                let lease = self.host(member.node).core.as_ref().map(Core::lease);
                assert_ne!(lease, Some(Lease::Held), "the simulated group keeps its own rules");
            }
            self.note(|| format!("{member} is released"));
            self.append(Item::Released(member));
        }
    }

    /// A member says good-bye: it has stopped acting, and everyone knows. Without a quorum nobody
    /// hears it.
    pub(crate) fn say_good_bye(&mut self, node: NodeId) {
        let member = self.host(node).member;
        let heard = self.in_touch(node);
        self.end_daemon(node);
        if let Some(member) = member.filter(|it| heard && self.group.view.contains(*it)) {
            self.leave_view(member, self.now);
            self.count_votes();
            self.release();
        }
    }

    /// A node that finds itself ordered out starts over.
    fn ordered_out(&mut self, node: NodeId) {
        self.note(|| format!("{node} finds itself ordered out"));
        self.end_daemon(node);
        self.host_mut(node).boots_at = Some(self.now + self.up_to(Duration::from_millis(300)));
    }

    /// Lets in blank nodes that can reach the quorum.
    fn let_in(&mut self, side: u32) {
        let blank = |it: &&Host| it.runs() && it.member.is_none() && it.side == side;
        let Some(node) = self.hosts.iter().find(blank).map(|it| it.node) else { return };
        if self.group.view.member(node).is_some() {
            return; // Its former life is to be ordered out first.
        }
        let seats = self.group.seats.iter();
        let donors: Vec<MemberId> = seats
            .filter(|(it, _)| self.group.view.contains(**it) && self.in_touch(it.node))
            .filter(|(_, seat)| seat.delivered >= seat.joined_at)
            .map(|(it, _)| *it)
            .collect();
        let Some(donor) = self.choose(&donors) else { return };
        while self.behind(donor.node) > 0 {
            self.deliver_one(donor);
        }
        let Some(snapshot) = self.host(donor.node).core.as_ref().map(Core::snapshot) else {
            return;
        };
        let place = self.group.log.len();
        let stamp = self.group.log[place - 1].0;
        let mut view = self.group.view.clone();
        view.number += 1;
        let wall = self.wall();
        let member = self.admit(node, place, view.number, wall);
        let id = member.id;
        self.note(|| format!("{id} is let in, with a snapshot of {donor} at {}", stamp.index));
        view.members.push(member);
        view.members.sort_by_key(|it| it.id);
        self.step_member(id, Event::Restore(stamp, snapshot));
        self.append(Item::View(view));
    }

    /// Who orders what nobody asks for: the first that is in touch.
    fn leader(&self) -> Option<NodeId> {
        let leads = |it: &&Host| {
            let member = it.member.is_some_and(|me| self.group.view.contains(me));
            member && self.in_touch(it.node)
        };
        self.hosts.iter().find(leads).map(|it| it.node)
    }

    /// The leader orders the time when a group deadline is due.
    fn tell_time(&mut self) {
        let Some(leader) = self.leader().map(|it| self.host(it)) else { return };
        let seat = leader.member.and_then(|it| self.group.seats.get(&it));
        let caught_up = seat.is_some_and(|it| it.delivered >= self.group.timed);
        let deadline = leader.core.as_ref().and_then(Core::group_deadline);
        if caught_up && deadline.is_some_and(|it| it.0 <= self.now.as_nanos() as u64) {
            self.append(Item::Time);
            self.group.timed = self.group.log.len();
        }
    }

    /// Whether a node's daemon was ordered out, or is no member: what it still says is what it
    /// knew before.
    pub(crate) fn is_outside(&self, node: NodeId) -> bool {
        self.host(node).member.is_none_or(|it| !self.group.view.contains(it))
    }

    /// How far behind the log a node is.
    pub(crate) fn behind(&self, node: NodeId) -> usize {
        let seat = self.host(node).member.and_then(|it| self.group.seats.get(&it));
        seat.map_or(usize::MAX, |it| self.group.log.len() - it.delivered)
    }

    /// A daemon has ended: nobody delivers to it any more.
    pub(crate) fn leave_seat(&mut self, member: MemberId) {
        self.group.seats.remove(&member);
    }
}

// Leases.
impl World {
    fn tend_lease(&mut self, node: NodeId) {
        let (now, touch) = (self.now, self.in_touch(node));
        let host = self.host_mut(node);
        if host.hung && now >= host.contact + LEASE {
            // The keeper needs no daemon for that.
            return self.kill_components(node);
        }
        let Some(member) = host.member.filter(|_| host.runs()) else { return };
        if !self.group.view.contains(member) {
            // It acts as long as its lease holds, and until it hears.
            if touch && now >= self.host(node).notices {
                self.ordered_out(node);
            } else {
                self.expire(member);
            }
            return;
        }
        if touch {
            self.host_mut(node).contact = now;
        }
        let seat = self.group.seats.get(&member);
        if touch && seat.is_some_and(|it| it.delivered >= it.joined_at) {
            self.change_lease(member, Lease::Held);
        } else {
            self.expire(member);
        }
    }

    /// A member that has not been in touch for too long stops acting.
    pub(crate) fn expire(&mut self, member: MemberId) {
        if self.now >= self.host(member.node).contact + LEASE {
            self.change_lease(member, Lease::Lost);
        }
    }

    fn change_lease(&mut self, member: MemberId, lease: Lease) {
        let held = self.host(member.node).core.as_ref().map(Core::lease);
        if held.is_some_and(|it| it != lease) {
            self.note(|| format!("{member} lease {lease:?}"));
            self.step_member(member, Event::Lease(lease));
        }
        if lease == Lease::Lost {
            self.kill_components(member.node);
        }
    }
}
