//! A group: one order, delivered at another speed on each node.
//!
//! Every node votes. The side of the cluster that holds a majority of the configured nodes,
//! counting only those that remember, goes on; the other side's leases run out. What is ordered
//! is appended to one log; each member has a place in it and goes on from there when it gets to
//! it. Ends of processes overtake what services order, and barriers overtake both: the real group
//! keeps the order of a sender only within a priority. Who is in, is in `views`.

use crate::{
    invariants,
    world::{Happening, World},
};
use ais_node::Event;
use ais_types::{GroupTime, MemberId, NodeId, ProcessId, Stamp, View};
use bytes::Bytes;
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

/// How often the group looks after its members.
pub(crate) const TICK: Duration = Duration::from_millis(10);

#[derive(Default)]
pub(crate) struct Group {
    pub(crate) log: Vec<(Stamp, Item)>,
    pub(crate) view: View,
    pub(crate) seats: BTreeMap<MemberId, Seat>,
    /// Members ordered out and not yet released, and when they have surely stopped.
    pub(crate) left: BTreeMap<MemberId, Duration>,
    /// How many lives each node has had in the group.
    pub(crate) lives: BTreeMap<NodeId, u64>,
    /// The place of the last [`Item::Time`].
    pub(crate) timed: usize,
    /// The side of the cluster that can order.
    pub(crate) quorum_side: Option<u32>,
}

/// What is in the log.
#[derive(Clone)]
pub(crate) enum Item {
    Entry(MemberId, Bytes),
    ProcessEnded(ProcessId),
    /// What was on the disks of those who begin anew.
    Kept(Bytes),
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
pub(crate) struct Seat {
    /// How much of the log it has delivered.
    pub(crate) delivered: usize,
    wanted: Lanes,
    sending: bool,
    delivering: bool,
    barriers: Vec<(usize, u64)>,
    /// The place of the view that let it in.
    pub(crate) joined_at: usize,
}

impl Seat {
    /// Of a member that has so much already.
    pub(crate) fn at(delivered: usize) -> Self {
        Self { delivered, joined_at: delivered + 1, ..Self::default() }
    }
}

/// What a member wants, by priority.
#[derive(Default)]
struct Lanes {
    barriers: VecDeque<Wanted>,
    ends: VecDeque<Wanted>,
    entries: VecDeque<Wanted>,
}

impl Lanes {
    fn push(&mut self, wanted: Wanted) {
        match wanted {
            Wanted::Barrier(_) => self.barriers.push_back(wanted),
            Wanted::ProcessEnded(_) => self.ends.push_back(wanted),
            Wanted::Entry(_) => self.entries.push_back(wanted),
        }
    }

    /// The most urgent.
    fn pop(&mut self) -> Option<Wanted> {
        let lanes = [&mut self.barriers, &mut self.ends, &mut self.entries];
        lanes.into_iter().find_map(VecDeque::pop_front)
    }

    fn is_empty(&self) -> bool {
        [&self.barriers, &self.ends, &self.entries].into_iter().all(VecDeque::is_empty)
    }
}

// What members do.
impl World {
    pub(crate) fn want(&mut self, member: MemberId, wanted: Wanted) {
        if let Some(seat) = self.group.seats.get_mut(&member) {
            seat.wanted.push(wanted);
            self.kick(member);
        }
    }

    /// Lets a member send and deliver, if there is something and it can.
    pub(crate) fn kick(&mut self, member: MemberId) {
        if !self.is_served(member) {
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

    /// Of a member that is out nothing is taken, and nothing is delivered to it.
    fn is_served(&self, member: MemberId) -> bool {
        self.in_touch(member.node) && self.group.view.contains(member)
    }

    /// A batch of what a member wants gets onto the log.
    pub(crate) fn send(&mut self, member: MemberId) {
        let touch = self.is_served(member);
        let Some(seat) = self.group.seats.get_mut(&member) else { return };
        seat.sending = false;
        if !touch {
            return;
        }
        let most = 1 + self.rng.usize(0..8);
        for _ in 0..most {
            let seat = self.group.seats.get_mut(&member);
            match seat.and_then(|it| it.wanted.pop()) {
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

    pub(crate) fn append(&mut self, item: Item) {
        let last = self.group.log.last().map_or(0, |(stamp, _)| stamp.time.0);
        let index = self.group.log.len() as u64 + 1;
        let time = GroupTime((self.now.as_nanos() as u64).max(last + 1));
        let wall = self.wall();
        if let Item::View(view) = &item {
            self.group.view = view.clone();
        }
        self.group.log.push((Stamp { index, time, wall: wall.0 }, item));
        for member in self.group.seats.keys().copied().collect::<Vec<_>>() {
            self.kick(member);
        }
    }

    /// A member delivers some of what it has not yet.
    pub(crate) fn deliver(&mut self, member: MemberId) {
        let touch = self.is_served(member);
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

    pub(crate) fn deliver_one(&mut self, member: MemberId) {
        let Some(seat) = self.group.seats.get_mut(&member) else { return };
        let Some((stamp, item)) = self.group.log.get(seat.delivered).cloned() else { return };
        seat.delivered += 1;
        let event = match item {
            Item::Entry(from, bytes) => Event::Ordered(stamp, from, bytes),
            Item::ProcessEnded(process) => Event::ProcessEnded(stamp, process),
            Item::Kept(kept) => Event::Kept(stamp, kept),
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

fn brief(event: &Event) -> String {
    match event {
        Event::View(stamp, view) => {
            let ids: Vec<String> = view.members.iter().map(|it| it.id.to_string()).collect();
            format!("{} view {} of {}", stamp.index, view.number, ids.join(" "))
        }
        Event::Ordered(stamp, from, bytes) => {
            format!("{} entry of {from}: {}", stamp.index, words(bytes))
        }
        Event::ProcessEnded(stamp, process) => format!("{} end of {process}", stamp.index),
        Event::Released(stamp, member) => format!("{} release of {member}", stamp.index),
        Event::Time(stamp) => format!("{} time", stamp.index),
        other => format!("{other:?}"),
    }
}

/// What of an entry can be read, as far as it fits into a line.
fn words(bytes: &[u8]) -> String {
    const MOST: usize = 200;
    let text: String =
        bytes.iter().map(|it| if it.is_ascii_graphic() { *it as char } else { ' ' }).collect();
    let words = text.split(' ').filter(|it| it.len() > 2);
    words.collect::<Vec<_>>().join(" ").chars().take(MOST).collect()
}
