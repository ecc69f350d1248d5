//! A group: one order, delivered at another speed on each node; views, leases, new incarnations.
//!
//! Every node votes. The side of the cluster that holds a majority of the configured nodes,
//! counting only those that remember, goes on; the other side's leases run out. What is ordered
//! is appended to one log; each member has a place in it and goes on from there when it gets to
//! it.

use crate::{
    invariants,
    world::{Happening, World},
};
use ais_node::{Core, Event};
use ais_service::Lease;
use ais_types::{
    GroupTime, Incarnation, Member, MemberId, NodeId, ProcessId, Role, Stamp, Time, View,
};
use bytes::Bytes;
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

/// For how long a member may act after its last contact with a quorum.
const LEASE: Duration = Duration::from_millis(900);
/// After which silence a member is ordered out.
const FAILURE: Duration = Duration::from_secs(1);
/// How much later than its lease a member counts as stopped.
const MARGIN: Duration = Duration::from_millis(100);
/// How often the group looks after its members.
pub(crate) const TICK: Duration = Duration::from_millis(10);

#[derive(Default)]
pub(crate) struct Group {
    pub(crate) log: Vec<(Stamp, Item)>,
    pub(crate) view: View,
    seats: BTreeMap<MemberId, Seat>,
    /// Members ordered out and not yet released, with their last contact.
    left: BTreeMap<MemberId, Duration>,
    /// How many lives each node has had in the group.
    lives: BTreeMap<NodeId, u64>,
    /// The place of the last [`Item::Time`].
    timed: usize,
}

/// What is in the log.
#[derive(Clone)]
pub(crate) enum Item {
    Entry(MemberId, Bytes),
    ProcessEnded(ProcessId),
    View(View),
    Released(MemberId),
    Time,
}

/// What a member wants ordered.
pub(crate) enum Wanted {
    Entry(Bytes),
    ProcessEnded(ProcessId),
    Barrier(u64),
}

/// A member's place.
#[derive(Default)]
struct Seat {
    /// How much of the log it has delivered.
    delivered: usize,
    wanted: VecDeque<Wanted>,
    sending: bool,
    delivering: bool,
    barriers: Vec<(usize, u64)>,
    /// The place of the view that let it in.
    joined_at: usize,
}

// What members do.
impl World {
    pub(crate) fn want(&mut self, member: MemberId, wanted: Wanted) {
        if let Some(seat) = self.group.seats.get_mut(&member) {
            seat.wanted.push_back(wanted);
            self.kick(member);
        }
    }

    /// Lets a member send and deliver, if there is something and it can.
    fn kick(&mut self, member: MemberId) {
        if !self.in_touch(member.node) {
            return;
        }
        let length = self.group.log.len();
        let Some(seat) = self.group.seats.get_mut(&member) else { return };
        let send = !seat.sending && !seat.wanted.is_empty();
        let deliver = !seat.delivering && seat.delivered < length;
        seat.sending |= send;
        seat.delivering |= deliver;
        if send {
            let delay = self.travel();
            self.after(delay, Happening::Send(member));
        }
        if deliver {
            let delay = self.pace(member.node);
            self.after(delay, Happening::Deliver(member));
        }
    }

    /// A batch of what a member wants gets onto the log.
    pub(crate) fn send(&mut self, member: MemberId) {
        let touch = self.in_touch(member.node);
        let Some(seat) = self.group.seats.get_mut(&member) else { return };
        seat.sending = false;
        if !touch {
            return;
        }
        let most = 1 + self.rng.usize(0..8);
        for _ in 0..most {
            let seat = self.group.seats.get_mut(&member);
            match seat.and_then(|it| it.wanted.pop_front()) {
                Some(Wanted::Entry(bytes)) => self.append(Item::Entry(member, bytes)),
                Some(Wanted::ProcessEnded(process)) => self.append(Item::ProcessEnded(process)),
                Some(Wanted::Barrier(number)) => {
                    let place = self.group.log.len();
                    if let Some(seat) = self.group.seats.get_mut(&member) {
                        seat.barriers.push((place, number));
                    }
                    self.pass_barriers(member);
                }
                None => break,
            }
        }
        self.kick(member);
    }

    fn append(&mut self, item: Item) {
        let last = self.group.log.last().map_or(GroupTime(0), |(stamp, _)| stamp.time);
        let index = self.group.log.len() as u64 + 1;
        let time = GroupTime(self.now.as_nanos() as u64).max(last);
        let wall = self.wall();
        if let Item::View(view) = &item {
            self.group.view = view.clone();
            self.ledger.views.insert(view.number, view.clone());
        }
        self.group.log.push((Stamp { index, time, wall: wall.0 }, item));
        for member in self.group.seats.keys().copied().collect::<Vec<_>>() {
            self.kick(member);
        }
    }

    /// A member delivers some of what it has not yet.
    pub(crate) fn deliver(&mut self, member: MemberId) {
        let touch = self.in_touch(member.node);
        let Some(seat) = self.group.seats.get_mut(&member) else { return };
        seat.delivering = false;
        if !touch {
            return;
        }
        for _ in 0..=self.rng.usize(0..4) {
            self.deliver_one(member);
        }
        self.kick(member);
    }

    fn deliver_one(&mut self, member: MemberId) {
        let Some(seat) = self.group.seats.get_mut(&member) else { return };
        let Some((stamp, item)) = self.group.log.get(seat.delivered).cloned() else { return };
        seat.delivered += 1;
        let event = match item {
            Item::Entry(from, bytes) => Event::Ordered(stamp, from, bytes),
            Item::ProcessEnded(process) => Event::ProcessEnded(stamp, process),
            Item::View(view) => Event::View(stamp, view),
            Item::Released(member) => Event::Released(stamp, member),
            Item::Time => Event::Time(stamp),
        };
        self.note(|| format!("{member} delivers {}", brief(&event)));
        self.step_member(member, event);
        invariants::agreement::delivered(self, member, stamp.index);
        self.pass_barriers(member);
    }

    fn pass_barriers(&mut self, member: MemberId) {
        let Some(seat) = self.group.seats.get_mut(&member) else { return };
        let delivered = seat.delivered;
        let passed: Vec<u64> =
            seat.barriers.iter().filter(|it| it.0 <= delivered).map(|it| it.1).collect();
        seat.barriers.retain(|it| it.0 > delivered);
        for number in passed {
            self.step_member(member, Event::BarrierPassed(number));
        }
    }
}

// What the group does by itself.
impl World {
    /// Whether this node can reach a quorum.
    pub(crate) fn in_touch(&self, node: NodeId) -> bool {
        self.host(node).runs() && self.quorum_side() == Some(self.host(node).side)
    }

    /// The side that holds a majority of those that remember.
    fn quorum_side(&self) -> Option<u32> {
        let sides = self.hosts.iter().map(|it| it.side);
        sides.into_iter().find(|side| {
            let remember = self.hosts.iter().filter(|it| {
                it.side == *side
                    && it.runs()
                    && it.member.is_some_and(|me| self.group.view.contains(me))
            });
            // Before there is a view, everyone is blank.
            let formed = self.group.view.number > 0;
            let count = if formed { remember.count() } else { self.hosts.len() };
            count * 2 > self.hosts.len()
        })
    }

    /// The first view: everyone is in it.
    pub(crate) fn form(&mut self) {
        let now = self.wall();
        let mut members = Vec::new();
        for at in 0..self.hosts.len() {
            members.push(self.admit(NodeId(at as u32 + 1), 0, 1, now));
        }
        self.append(Item::View(View { number: 1, members }));
    }

    /// Gives a blank node its seat.
    fn admit(&mut self, node: NodeId, delivered: usize, view: u64, wall: Time) -> Member {
        let lives = self.group.lives.entry(node).or_default();
        *lives += 1;
        let id = MemberId { node, incarnation: Incarnation(*lives) };
        let joined_at = self.group.log.len() + 1;
        let seat = Seat { delivered, joined_at, ..Seat::default() };
        self.group.seats.insert(id, seat);
        self.host_mut(node).member = Some(id);
        self.step_member(id, Event::Admitted(id));
        Member {
            id,
            name: self.host(node).name.clone(),
            role: Role::Voter,
            addresses: vec![format!("10.0.0.{}:4000", node.0)],
            boot_time: wall,
            joined_view: view,
        }
    }

    /// Looks after the members: who is there, who is missing, who may act, what time it is.
    pub(crate) fn tend_group(&mut self) {
        for node in self.nodes() {
            self.tend_lease(node);
        }
        if let Some(side) = self.quorum_side() {
            self.order_out();
            self.release();
            self.let_in(side);
            self.tell_time(side);
        }
        for member in self.group.seats.keys().copied().collect::<Vec<_>>() {
            self.kick(member);
        }
    }

    fn tend_lease(&mut self, node: NodeId) {
        let (now, touch) = (self.now, self.in_touch(node));
        let host = self.host_mut(node);
        if host.hung && now >= host.contact + LEASE {
            // The keeper needs no daemon for that.
            return self.kill_components(node);
        }
        let Some(member) = host.member.filter(|_| host.runs()) else { return };
        if touch {
            host.contact = now;
        }
        let arrived = self.group.seats.get(&member).is_some_and(|it| it.delivered >= it.joined_at);
        if self.group.left.contains_key(&member) || !self.group.view.contains(member) {
            if touch {
                self.ordered_out(node);
            } else {
                self.expire(member);
            }
        } else if touch && arrived {
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

    fn order_out(&mut self) {
        let mut view = self.group.view.clone();
        let missing = |it: &Member| {
            let host = self.host(it.id.node);
            // A host closes the connections of a process that has ended.
            let closed = host.member != Some(it.id) || host.core.is_none();
            let silent = self.now >= host.contact + FAILURE;
            closed && host.closing <= self.now || silent && !self.in_touch(it.id.node)
        };
        let out: Vec<MemberId> =
            view.members.iter().filter(|it| missing(it)).map(|it| it.id).collect();
        if out.is_empty() {
            return;
        }
        view.number += 1;
        view.members.retain(|it| !out.contains(&it.id));
        for member in out {
            self.note(|| format!("{member} is ordered out"));
            let contact = self.host(member.node).contact;
            self.group.left.insert(member, contact);
        }
        self.append(Item::View(view));
    }

    fn release(&mut self) {
        let due = |(_, contact): &(&MemberId, &Duration)| self.now >= **contact + LEASE + MARGIN;
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

    /// A node that finds itself ordered out starts over.
    fn ordered_out(&mut self, node: NodeId) {
        self.note(|| format!("{node} finds itself ordered out"));
        self.end_daemon(node);
        self.host_mut(node).boots_at = Some(self.now + self.up_to(Duration::from_millis(300)));
    }

    /// Lets in blank nodes that can reach the quorum.
    fn let_in(&mut self, side: u32) {
        let blank = |it: &&crate::world::Host| it.runs() && it.member.is_none() && it.side == side;
        let Some(node) = self.hosts.iter().find(blank).map(|it| it.node) else { return };
        let donors: Vec<(MemberId, usize)> = self
            .group
            .seats
            .iter()
            .filter(|(it, _)| self.host(it.node).member == Some(**it) && self.in_touch(it.node))
            .filter(|(_, seat)| seat.delivered >= seat.joined_at)
            .map(|(it, seat)| (*it, seat.delivered))
            .collect();
        let Some((donor, delivered)) = self.choose(&donors) else { return };
        let Some(snapshot) = self.host(donor.node).core.as_ref().map(Core::snapshot) else {
            return;
        };
        let stamp = self.group.log[delivered - 1].0;
        let mut view = self.group.view.clone();
        view.number += 1;
        if let Some(old) = view.member(node).map(|it| it.id) {
            let contact = self.host(node).contact;
            self.group.left.insert(old, contact);
            view.members.retain(|it| it.id != old);
        }
        let wall = self.wall();
        let member = self.admit(node, delivered, view.number, wall);
        let id = member.id;
        self.note(|| format!("{id} is let in, with a snapshot of {donor} at {}", stamp.index));
        view.members.push(member);
        view.members.sort_by_key(|it| it.id);
        self.host_mut(node).contact = self.now;
        self.step_member(id, Event::Restore(stamp, snapshot));
        self.append(Item::View(view));
    }

    /// The leader orders the time when a group deadline is due.
    fn tell_time(&mut self, side: u32) {
        let leads = |it: &&crate::world::Host| {
            it.side == side && it.runs() && it.member.is_some_and(|me| self.group.view.contains(me))
        };
        let Some(leader) = self.hosts.iter().find(leads) else { return };
        let seat = leader.member.and_then(|it| self.group.seats.get(&it));
        let caught_up = seat.is_some_and(|it| it.delivered >= self.group.timed);
        let deadline = leader.core.as_ref().and_then(Core::group_deadline);
        if caught_up && deadline.is_some_and(|it| it.0 <= self.now.as_nanos() as u64) {
            self.append(Item::Time);
            self.group.timed = self.group.log.len();
        }
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

fn brief(event: &Event) -> String {
    match event {
        Event::View(stamp, view) => {
            let ids: Vec<String> = view.members.iter().map(|it| it.id.to_string()).collect();
            format!("{} view {} of {}", stamp.index, view.number, ids.join(" "))
        }
        Event::Ordered(stamp, from, bytes) => {
            format!("{} entry of {from}, {} bytes", stamp.index, bytes.len())
        }
        Event::ProcessEnded(stamp, process) => format!("{} end of {process}", stamp.index),
        Event::Released(stamp, member) => format!("{} release of {member}", stamp.index),
        Event::Time(stamp) => format!("{} time", stamp.index),
        other => format!("{other:?}"),
    }
}
